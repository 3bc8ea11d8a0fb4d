// How far a result can be trusted, in words: result.json's numbers, and what speaks against the photos (docs/generate.md).
import type { ResultRecord } from "./api";

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** "Object and views differ by 3.4 %. Three seeds …"; nothing for views without an object. */
export function trustText({ confidence }: ResultRecord): string {
  const sentences: string[] = [];
  if (confidence.view_disagreement) sentences.push(`Object and views differ by ${percent(confidence.view_disagreement.value)} (0: nothing doubtful).`);
  if (confidence.gaussians) sentences.push(`${confidence.gaussians.seeds.toString()} seeds agree on ${percent(confidence.gaussians.value)} of it.`);
  return sentences.join(" ");
}

/** One sentence each. */
export function trustWarnings({ confidence, photo, further_photos: further }: ResultRecord): string[] {
  return [
    ...photo.warnings.map((warning) => `Photo: ${warning}.`),
    ...(further ?? []).flatMap(({ azimuth_degrees: azimuth, warnings }) => warnings.map((warning) => `Photo from ${azimuth.toString()}°: ${warning}.`)),
    ...(confidence.familiarity?.unusual ? ["The photo is unlike those that the model has learned from: expect a worse object."] : []),
  ];
}
