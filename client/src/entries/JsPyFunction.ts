import { installFunctions } from "../install.ts";

installFunctions();
