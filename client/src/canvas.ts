/** Drawing arrays on a canvas. */

import { NDArray } from "./ndarray.ts";

interface Picture {
    pixels: ImageData;
    words: Uint32Array;
}

type Pen = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/**
 * Draw an image on a canvas and resize the canvas to it. The image is an NDArray of dtype uint8 and shape
 * [height, width] (gray), [height, width, 3] (RGB) or [height, width, 4] (RGBA). Throws TypeError for other values.
 */
export type Imshow = (canvas: HTMLCanvasElement | OffscreenCanvas, image: NDArray) => void;

/** Write one 32-bit word per pixel: alpha, blue, green, red from the high byte down. */
function paintGray(data: Uint8Array, { words }: Picture): void {
    for (let at = 0; at < words.length; at += 1) {
        words[at] = 0xFF000000 | data[at]! * 0x010101;
    }
}

function paintRgb(data: Uint8Array, { words }: Picture): void {
    for (let at = 0, from = 0; at < words.length; at += 1, from += 3) {
        words[at] = 0xFF000000 | data[from + 2]! << 16 | data[from + 1]! << 8 | data[from]!;
    }
}

const paintRgba = (data: Uint8Array, { pixels }: Picture): void => pixels.data.set(data);

/** Number of channels -> painter. */
const PAINTERS: Record<number, (data: Uint8Array, picture: Picture) => void> = { 1: paintGray, 3: paintRgb, 4: paintRgba };

function imageShape(image: any): readonly number[] {
    const shape: readonly number[] = image instanceof NDArray ? image.shape : [];
    const fits = shape.length === 2 || (shape.length === 3 && shape[2]! in PAINTERS);
    if (!fits || image.dtype !== "uint8" || image.data.length === 0) {
        const given = image instanceof NDArray ? `${image.dtype} [${shape.join(", ")}]` : image?.constructor?.name ?? image;
        throw new TypeError("imshow: expected an NDArray of dtype uint8 and shape [height, width], "
            + `[height, width, 3] or [height, width, 4], not ${given}`);
    }
    return shape;
}

/** Create `imshow`. It reuses the ImageData of each canvas, so repeated calls allocate nothing. */
export function createImshow(): Imshow {
    const shown = new WeakMap<object, Picture>();

    function pictureOf(canvas: HTMLCanvasElement | OffscreenCanvas, pen: Pen): Picture {
        const known = shown.get(canvas);
        if (known && known.pixels.width === canvas.width && known.pixels.height === canvas.height) {
            return known;
        }
        const pixels = pen.createImageData(canvas.width, canvas.height);
        const made = { pixels, words: new Uint32Array(pixels.data.buffer) };
        shown.set(canvas, made);
        return made;
    }

    return (canvas, image) => {
        const [height, width, channels = 1] = imageShape(image);
        const pen = typeof canvas?.getContext === "function" ? canvas.getContext("2d") as Pen | null : null;
        if (!pen) {
            throw new TypeError("imshow: expected a canvas with a 2d context, or with no context yet");
        }
        if (canvas.width !== width || canvas.height !== height) {
            [canvas.width, canvas.height] = [width!, height!];
        }
        const picture = pictureOf(canvas, pen);
        PAINTERS[channels]!(image.data as Uint8Array, picture);
        pen.putImageData(picture.pixels, 0, 0);
    };
}
