// The object inside this page, put there by the program (src/exports/viewer_page.cpp): a description as JSON, and files as base64.

/** Where the first look at the object is from. Angles in degrees, lengths in the object's units, +Y up, the front towards +Z. */
export interface StartView {
  target: [number, number, number];
  radius: number;
  azimuth: number;
  elevation: number;
  /** Field of view across the shorter side of the picture. */
  fov: number;
  /** How far the object reaches from the target. */
  reach: number;
}

export interface EmbeddedFile {
  /** What it is called when it is downloaded. */
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface EmbeddedObject {
  title: string;
  view: StartView;
  splats: EmbeddedFile & {
    format: "ply" | "spz";
    count: number;
    /** The file's axes: y up like ours, or y down and z away from the viewer, as is usual in PLY. */
    yDown: boolean;
    /** To be drawn with Mip-Splatting's filter. */
    antialiased: boolean;
  };
  mesh?: EmbeddedFile;
}

interface Description {
  title: string;
  view: StartView;
  splats: Omit<EmbeddedObject["splats"], "bytes">;
  mesh?: { name: string };
}

function bytesOf(id: string): Uint8Array<ArrayBuffer> {
  const text = document.getElementById(id)?.textContent ?? "";
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** @throws Error when the page holds no object. */
export function readObject(): EmbeddedObject {
  const text = document.getElementById("object")?.textContent;
  if (!text) throw new Error("This page holds no object.");
  const { mesh, ...description } = JSON.parse(text) as Description;
  return {
    ...description,
    splats: { ...description.splats, bytes: bytesOf("splats") },
    mesh: mesh && { ...mesh, bytes: bytesOf("mesh") },
  };
}
