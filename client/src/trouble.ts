/** Reasons that a connection is not open, for the badge. */

import { type Address, hasDocument } from "./address.ts";
import type { Identity } from "./identity.ts";

/** The reason that a running Python rejects the connection, or "" if it doesn't. */
export type Refusal = "" | "no token" | "other token" | "refused";

/** The states that the badge distinguishes. */
export type Trouble = "open" | "closed" | "connecting" | "reconnecting" | "lost" | "restarting" | "broken" | Exclude<Refusal, "">;

/** Ask over HTTP why the handshake was rejected. A WebSocket does not expose the status. */
export async function fetchRefusal(address: Address, identity: Identity): Promise<Refusal> {
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
        const asks = told.get("www-authenticate") === "Bearer";   // otherwise a proxy answered
        return !asks ? "" : identity.token ? "other token" : "no token";
    } catch {
        return "";   // nothing is listening
    }
}
