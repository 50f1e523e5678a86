/** The smallest photos there are, to try the whole path with: one takes libvips, one the decoder of ordinary JPEGs. */
export const PROBE_GIF: Uint8Array = Buffer.from(
  'R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==',
  'base64',
)
export const PROBE_JPEG: Uint8Array = Buffer.from(
  '/9j/2wBDAFBQUFBVUFpkZFp9h3iHfbmqm5uquf/I18jXyP//////////////////////////////////////////////////2wBDAVBQUFBVUFpkZFp9h3iHfbmqm5uquf/I18jXyP//////////////////////////////////////////////////wgARCAABAAEDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAH/xAAUAQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIQAxAAAACg/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPwB//8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAgEBPwB//8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAgBAwEBPwB//9k=',
  'base64',
)

/** A red disc on waves of colour, 32 × 32 pixels: what a bundle's answer is remembered for. */
export const PROBE_SCENE: Uint8Array = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAUDBAQEAwUEBAQFBQUGBwwIBwcHBw8LCwkMEQ8SEhEPERETFhwXExQaFRER' +
    'GCEYGh0dHx8fExciJCIeJBweHx7/2wBDAQUFBQcGBw4ICA4eFBEUHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4e' +
    'Hh4eHh4eHh4eHh4eHh4eHh4eHh7/wAARCAAgACADAREAAhEBAxEB/8QAGwAAAgIDAQAAAAAAAAAAAAAABQYEBwABAgP/' +
    'xAAoEAACAQMDAgUFAAAAAAAAAAABAgMABAUREiEGMSMyQXGRExUiUmH/xAAaAQACAwEBAAAAAAAAAAAAAAAGBwEDBAUC' +
    '/8QAJREAAQQCAAYCAwAAAAAAAAAAAQACAxEEBQYSITFBkVFhIiOh/9oADAMBAAIRAxEAPwAta5OOGDzDtQdNC2EIp4ex' +
    'C9oSp1dm2kUohLMeABySawMJe5FWXrSWUAqh6p+5eJPLZ3SRKeXaJgo1OnfSjTSYkMjw3mFnxYv0l9t9TkRXI6NwaPNG' +
    'vaEYl2eUUbTMjxo1GmaA8K11zbOmgalLnEvdQTM4awA2ML0xz/WEk7ctu2+wrKYjFQKKpYwx1BTKhVpAlw0cPU91DbJt' +
    'i3hlXQALuAbQaeg14/lFE+6kkw2c5t1V66e/lJrZNiwNvLDH0AINfFgGhXgX0+lJwKyTqDyapZh8zrKbOmLWRhNNkrWy' +
    'EOp2E68DsajY4bXtDmGiP6rc7Pjhdb+y6lv7aMHl2b9Qp1PzXBMZBooY2HHGmwWFzpC4jwGmz7offUhawFg13kWupV/J' +
    '219h6D4r2WF4AHZI+ffSbPYSZT+hce3wOwHYXQoXXXuVnSOI8JdVorzslmO1PXW5v4JonxQEXloHzdwXuoFcze5n6ygd' +
    '1jlSTUrVuCx85spA8QZRMhRHENHbsOwohdAImWsOmDpJAv/Z',
  'base64',
)
