// The object over a grid on the ground, as a camera at that elevation sees both: whoever moves the slider until the grid lies like
// the table in the photo has found the elevation. SV3D's camera: 2 units away, 33.8° across, the object within the unit cube.
import type { Canvas2d } from "./photo";

const radius = 2;
const halfView = Math.tan((33.8 / 2) * (Math.PI / 180));
const reach = 1;
const spacing = 0.2;
const measuredPixels = 256;

interface Point3 {
  x: number;
  y: number;
  z: number;
}

/** Of a point in the world (+Y up, the camera towards +Z): its place in a square picture of that side, or nothing behind the camera. */
function projected({ x, y, z }: Point3, elevation: number, side: number): [number, number] | undefined {
  const cos = Math.cos(elevation);
  const sin = Math.sin(elevation);
  const depth = radius - (y * sin + z * cos);
  if (depth < 0.05) return undefined;
  const right = x / (depth * halfView);
  const up = (y * cos - z * sin) / (depth * halfView);
  return [((1 + right) / 2) * side, ((1 - up) / 2) * side];
}

/** The ground's height, so that the object stands on it: where the ray of its lowest point passes the object's middle. */
function groundHeight(lowest: number, elevation: number): number {
  const cos = Math.cos(elevation);
  const sin = Math.sin(elevation);
  // Eye (0, r sin, r cos), ray −eye/r + lowest · halfView · (0, cos, −sin), until z = 0.
  const up = lowest * halfView;
  const z = -cos - up * sin;
  const y = -sin + up * cos;
  const along = (radius * cos) / Math.max(1e-3, -z);
  return Math.min(0, Math.max(-0.7, radius * sin + along * y));
}

function line(context: Canvas2d, points: Point3[], elevation: number, side: number): void {
  context.beginPath();
  for (const point of points) {
    const place = projected(point, elevation, side);
    if (place) context.lineTo(...place);
  }
  context.stroke();
}

export interface Ground {
  cutOut: HTMLCanvasElement;
  /** Share of the picture that the object's longer side fills. */
  share: number;
  elevationDegrees: number;
  /** Any CSS colour. */
  colour: string;
}

/** The box around what is solid, in pixels of the canvas, to a few of them; nothing when it is empty. */
function solidBox(canvas: HTMLCanvasElement): { x: number; y: number; width: number; height: number } | undefined {
  const scale = Math.min(1, measuredPixels / Math.max(canvas.width, canvas.height));
  const small = document.createElement("canvas");
  small.width = Math.ceil(canvas.width * scale);
  small.height = Math.ceil(canvas.height * scale);
  const context = small.getContext("2d", { willReadFrequently: true });
  if (!context) return undefined;
  context.scale(scale, scale);
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, small.width, small.height);
  let [left, top, right, bottom] = [small.width, small.height, -1, -1];
  for (let y = 0; y < small.height; ++y) {
    for (let x = 0; x < small.width; ++x) {
      if ((data[4 * (y * small.width + x) + 3] ?? 0) < 26) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return undefined;
  return { x: left / scale, y: top / scale, width: (right - left + 1) / scale, height: (bottom - top + 1) / scale };
}

export function drawGround(canvas: HTMLCanvasElement, { cutOut, share, elevationDegrees, colour }: Ground): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const side = canvas.width;
  context.clearRect(0, 0, side, side);
  const box = solidBox(cutOut);
  if (!box) return;
  const scale = (share * side) / Math.max(box.width, box.height);
  const height = box.height * scale;
  const elevation = (elevationDegrees * Math.PI) / 180;
  const ground = groundHeight(-height / side, elevation);
  context.strokeStyle = colour;
  context.lineWidth = side / 320;
  const steps = Math.round(reach / spacing);
  for (let i = -steps; i <= steps; ++i) {
    context.globalAlpha = i === 0 ? 0.9 : 0.4;
    const across = i * spacing;
    line(context, [-1, 1].map((end) => ({ x: across, y: ground, z: end * reach })), elevation, side);
    line(context, [-1, 1].map((end) => ({ x: end * reach, y: ground, z: across })), elevation, side);
  }
  context.globalAlpha = 0.9;
  const turn = Array.from({ length: 65 }, (_, i) => (i / 64) * 2 * Math.PI);
  line(context, turn.map((angle) => ({ x: 0.5 * Math.cos(angle), y: ground, z: 0.5 * Math.sin(angle) })), elevation, side);
  context.globalAlpha = 1;
  context.imageSmoothingQuality = "high";
  const width = box.width * scale;
  context.drawImage(cutOut, box.x, box.y, box.width, box.height, (side - width) / 2, (side - height) / 2, width, height);
}
