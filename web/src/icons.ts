// Line icons of 24 × 24 units.
const paths = {
  turntable: '<path d="M20 12a8 3.4 0 1 1-4-2.95"/><path d="m16.6 5.6.2 3.6-3.5.9"/>',
  background: '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>',
  depth: '<path d="m12 4 8 4.2-8 4.2-8-4.2z"/><path d="m4 12.2 8 4.2 8-4.2M4 16l8 4.2 8-4.2" opacity=".55"/>',
  wireframe: '<path d="m12 3.5 7.5 4.3v8.4L12 20.5l-7.5-4.3V7.8zM4.5 7.8 12 12l7.5-4.2M12 12v8.5M4.5 16.2 12 12l7.5 4.2"/>',
  reset: '<path d="M4.6 9.5A8 8 0 1 1 4 12.6"/><path d="M4.2 4.8v4.9h4.9"/>',
  screenshot: '<path d="M4 8h3.4l1.6-2.5h6L16.6 8H20v11H4z"/><circle cx="12" cy="13.2" r="3.4"/>',
  download: '<path d="M12 4v11m-4.5-4.300L12 15.2l4.5-4.5M4.5 19.500h15"/>',
} as const;

export type Icon = keyof typeof paths;

export function icon(name: Icon): string {
  return `<svg viewBox="0 0 24 24" aria-hidden="true">${paths[name]}</svg>`;
}
