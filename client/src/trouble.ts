/** What is the matter with a connection that is not open, for the person at the page. */

import { type Address, hasDocument } from "./address.ts";
import type { Identity } from "./identity.ts";

/** Why Python, which is there, does not let the page connect; "" where that is not so. */
export type Refusal = "" | "no token" | "other token" | "refused";

/** What the badge tells of. */
export type Trouble = "open" | "closed" | "connecting" | "reconnecting" | "lost" | "restarting" | "broken" | Exclude<Refusal, "">;

/** A WebSocket does not tell why it was refused. HTTP does, and by a token that it asks for. */
export async function askWhy(address: Address, identity: Identity): Promise<Refusal> {
    const url = hasDocument() ? address.http("stats") : "";
    if (!url) {
        return "";
    }
    try {
        const headers = { authorization: `Bearer ${identity.token}` };
        const { ok, headers: told } = await fetch(url, { headers, cache: "no-store", credentials: "same-origin" });
        if (ok) {
            return "refused";
        }
        const asks = told.get("www-authenticate") === "Bearer";   // else it is a proxy that answers
        return !asks ? "" : identity.token ? "other token" : "no token";
    } catch {
        return "";   // nobody is there
    }
}
