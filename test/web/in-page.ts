/**
 * Code that runs inside of the page, as the text of an expression: the tests are compiled without
 * the types of a browser.
 */

/** Puts a PNG on the clipboard. */
export const copyPng = (png: Buffer): string => `(async () => {
  const bytes = Uint8Array.from(atob('${png.toString('base64')}'), (character) => character.charCodeAt(0))
  const blob = new Blob([bytes], { type: 'image/png' })
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })])
})()`

/** Gives the computed style of the first element that `selector` finds. */
export const styleOf = (selector: string, property: string): string =>
  `getComputedStyle(document.querySelector('${selector}')).${property}`

/** Gives the width in CSS pixels by which the page overflows to the side. */
export const OVERFLOW_WIDTH =
  'document.documentElement.scrollWidth - document.documentElement.clientWidth'

/** Gives the elements a finger may press that are smaller than 44 × 44 CSS pixels. */
export const SMALL_TARGETS = `[...document.querySelectorAll('button, select, input:not([hidden])')]
  .map((element) => [element.textContent || element.id, element.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && (box.width < 44 || box.height < 44))
  .map(([name, box]) => name + ' ' + box.width + ' x ' + box.height)`

/**
 * Gives the visible texts whose contrast with their ground is below WCAG 2.2 AA (1.4.3): 4.5, or 3
 * for large text. The ground is the nearest ancestor with an opaque background colour.
 */
export const LOW_CONTRAST = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const ground = channels(getComputedStyle(at).backgroundColor)
      if (ground[3] === undefined || ground[3] === 1) return ground
    }
    return [255, 255, 255]
  }
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
  return [...document.querySelectorAll('#app *')]
    .filter((element) => hasText(element) && element.getBoundingClientRect().width > 1)
    .map((element) => {
      const { color, fontSize, fontWeight } = getComputedStyle(element)
      const [darker, lighter] = [channels(color), groundOf(element)].map(luminance).sort((a, b) => a - b)
      const size = parseFloat(fontSize)
      const isLarge = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700)
      return { text: element.textContent, ratio: (lighter + 0.05) / (darker + 0.05), least: isLarge ? 3 : 4.5 }
    })
    .filter(({ ratio, least }) => ratio < least)
    .map(({ text, ratio }) => text + ': ' + ratio.toFixed(2))
})()`
