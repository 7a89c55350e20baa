import { installBadge } from "../install.ts";

installBadge();
