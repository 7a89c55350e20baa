import { currentScript, installBinarySocket } from "../install.ts";

installBinarySocket(currentScript());
