import { currentScript, installTextSocket } from "../install.ts";

installTextSocket(currentScript());
