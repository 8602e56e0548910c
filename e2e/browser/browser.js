// The browser of the tests: headless Chromium with an empty profile.
import { existsSync } from "node:fs";
import { mkdtemp, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

const modules = join(import.meta.dirname, "node_modules");

export async function launch() {
  const { executablePath, env } = await findChromium();
  return chromium.launch({
    executablePath,
    env: { ...process.env, ...env },
    args: [
      "--headless",
      "--no-sandbox", // root in a container cannot use the sandbox, and the tests open no untrusted page
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** Finds Chromium: CHROMIUM, npm's package (needs no privileges, but supports one platform), or Debian's package. */
async function findChromium() {
  if (process.env.CHROMIUM) {
    return { executablePath: process.env.CHROMIUM };
  }
  if (process.platform === "linux" && process.arch === "x64") {
    return findUnpacked();
  }
  const debian = "/usr/bin/chromium";
  if (existsSync(debian)) {
    return { executablePath: debian };
  }
  throw new Error("no Chromium for this platform: install one and set the variable CHROMIUM to its path");
}

/** Unpacks npm's Chromium unless this was done before. The rename makes it safe for concurrent runs. */
async function findUnpacked() {
  const installed = join(modules, ".chromium");
  if (!existsSync(installed)) {
    const temporary = await unpack();
    await rename(temporary, installed).catch((error) => {
      if (!existsSync(installed)) throw error; // otherwise a concurrent run has unpacked it
    });
  }
  const env = { LD_LIBRARY_PATH: join(installed, "al2023", "lib") };
  if (!existsSync("/etc/fonts/fonts.conf")) {
    env.FONTCONFIG_FILE = join(installed, "fonts.conf");
    await writeFile(env.FONTCONFIG_FILE, `<fontconfig><dir>${join(installed, "fonts")}</dir></fontconfig>`);
  }
  return { executablePath: join(installed, "chromium"), env };
}

/**
 * Unpacks npm's Chromium to a new directory. The package can only unpack to TMPDIR, and it unpacks its libraries only
 * if it detects AWS Lambda.
 */
async function unpack() {
  const previous = { TMPDIR: process.env.TMPDIR, AWS_LAMBDA_JS_RUNTIME: process.env.AWS_LAMBDA_JS_RUNTIME };
  const directory = await mkdtemp(join(modules, ".unpack-"));
  Object.assign(process.env, { TMPDIR: directory, AWS_LAMBDA_JS_RUNTIME: "nodejs20.x" });
  try {
    const { default: packed } = await import("@sparticuz/chromium");
    await packed.executablePath();
  } finally {
    for (const [name, value] of Object.entries(previous)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
  return directory;
}
