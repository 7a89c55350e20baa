/** The entry point of `jsmeets.js`, all classic files in one. */
import {
    currentScript, installBadge, installBinarySocket, installFunctions, installPubsub, installQueues, installTextSocket,
} from "../install.ts";

const script = currentScript();
installTextSocket(script);
installFunctions();
installQueues();
installPubsub();
installBinarySocket(script);
installBadge();
