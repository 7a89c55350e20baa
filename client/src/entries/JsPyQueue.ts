import { installQueues } from "../install.ts";

installQueues();
