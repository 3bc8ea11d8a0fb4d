// Depth is drawn near light, far dark, over the reach of the object: the same for Gaussians and mesh.
import { ShaderMaterial } from "three";

export interface DepthRange {
  near: number;
  far: number;
}

export function makeDepthMaterial(): ShaderMaterial {
  return new ShaderMaterial({
    uniforms: { near: { value: 0 }, far: { value: 1 } },
    vertexShader: `
      varying float depth;
      void main() {
        vec4 place = modelViewMatrix * vec4(position, 1.0);
        depth = -place.z;
        gl_Position = projectionMatrix * place;
      }`,
    fragmentShader: `
      uniform float near, far;
      varying float depth;
      void main() {
        gl_FragColor = vec4(vec3(1.0 - clamp((depth - near) / (far - near), 0.0, 1.0)), 1.0);
      }`,
  });
}
