import { installPubsub } from "../install.ts";

installPubsub();
