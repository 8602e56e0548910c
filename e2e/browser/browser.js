// The browser of the tests: Chromium without a window, with an empty profile of its own.
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
      "--no-sandbox", // which a container's root cannot have, and no stranger's page is opened
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}

/** CHROMIUM names one; npm's needs no rights to install, but exists for one platform; Debian's is where it always is. */
async function findChromium() {
  if (process.env.CHROMIUM) {
    return { executablePath: process.env.CHROMIUM };
  }
  if (process.platform === "linux" && process.arch === "x64") {
    return unpacked();
  }
  const debian = "/usr/bin/chromium";
  if (existsSync(debian)) {
    return { executablePath: debian };
  }
  throw new Error("there is no Chromium for this platform: install one and name it in the variable CHROMIUM");
}

/** Unpacks npm's Chromium once, and whole or not at all. */
async function unpacked() {
  const home = join(modules, ".chromium");
  if (!existsSync(home)) {
    const unfinished = await unpack();
    await rename(unfinished, home).catch((error) => {
      if (!existsSync(home)) throw error; // else another run was faster
    });
  }
  const env = { LD_LIBRARY_PATH: join(home, "al2023", "lib") };
  if (!existsSync("/etc/fonts/fonts.conf")) {
    env.FONTCONFIG_FILE = join(home, "fonts.conf");
    await writeFile(env.FONTCONFIG_FILE, `<fontconfig><dir>${join(home, "fonts")}</dir></fontconfig>`);
  }
  return { executablePath: join(home, "chromium"), env };
}

/** The package knows no other place than the directory for temporary files, and brings libraries to one platform only. */
async function unpack() {
  const before = { TMPDIR: process.env.TMPDIR, AWS_LAMBDA_JS_RUNTIME: process.env.AWS_LAMBDA_JS_RUNTIME };
  const directory = await mkdtemp(join(modules, ".unpack-"));
  Object.assign(process.env, { TMPDIR: directory, AWS_LAMBDA_JS_RUNTIME: "nodejs20.x" });
  try {
    const { default: packed } = await import("@sparticuz/chromium");
    await packed.executablePath();
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
  return directory;
}
