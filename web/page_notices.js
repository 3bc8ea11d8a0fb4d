// What the pages hold of others, with the notices their licences ask for. fflate is part of Spark.
import { readFileSync } from "node:fs";

export function notices() {
  const texts = ["three", "@sparkjsdev/spark", "fflate"].map(
    (name) => `${name}\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}`,
  );
  return `This page holds:\n\n${texts.join("\n\n")}`;
}
