// Runs all tests in one browser.
import { after, before } from "node:test";
import { startBrowser, stopBrowser } from "./setup.js";
import "./events.test.js";
import "./pages.test.js";

before(startBrowser);
after(stopBrowser);
