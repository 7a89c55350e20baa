/** The entry point of `jsmeets-carried.mjs`, which the widget of a notebook loads through its wire. */

export { carry } from "../notebook/page.ts";
