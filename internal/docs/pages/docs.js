"use strict";

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

// prepare returns the OpenAPI document as the page shows it.
function prepare(document) {
  if (typeof document !== "object" || document === null) {
    return document;
  }
  const copy = structuredClone(document);
  useThisGateway(copy);
  const shared = copy.components?.parameters ?? {};
  const operations = Object.values(copy.paths ?? {}).flatMap((path) => operationsOf(path, shared));
  useOneCredential(copy, operations);
  [...Object.values(shared), ...operations.flatMap((operation) => operation.parameters)].forEach(moveExample);
  return copy;
}

// useThisGateway makes requests go to the gateway that serves the page, at the host name
// in the address bar. The Content-Security-Policy of the page blocks other hosts.
function useThisGateway(document) {
  delete document.host; // host and schemes exist only in version 2 of OpenAPI
  delete document.schemes;
  for (const server of document.servers ?? []) {
    if (URL.canParse(server.url)) {
      server.url = new URL(server.url).pathname;
    }
  }
}

// operationsOf returns the operations of a path. It moves the parameters of the path into
// each operation and lists required parameters first. Swagger UI would list the
// parameters of the path, such as ids, after those of the operation.
function operationsOf(path, shared) {
  const common = path.parameters ?? [];
  const operations = methods.filter((method) => method in path).map((method) => path[method]);
  const resolve = (parameter) => shared[parameter.$ref?.replace("#/components/parameters/", "")] ?? parameter;
  for (const operation of operations) {
    const own = operation.parameters ?? [];
    const isOwn = ({ name, in: place }) => own.map(resolve).some((other) => other.name === name && other.in === place);
    const all = [...own, ...common.filter((parameter) => !isOwn(resolve(parameter)))];
    const rank = (parameter) => (resolve(parameter).required ? 0 : 1);
    operation.parameters = all.sort((one, other) => rank(one) - rank(other));
  }
  delete path.parameters;
  return operations;
}

// useOneCredential makes Swagger UI show exactly one field for the API key. A document
// that accepts the key as a bearer token or as X-API-Key would show two, and a request
// with both is rejected. A document without security schemes would show none; it gets
// the scheme "bearer", so that Swagger UI keeps the key when the user selects another
// document.
function useOneCredential(document, operations) {
  const isV2 = "swagger" in document;
  const schemes = isV2 ? (document.securityDefinitions ??= {}) : ((document.components ??= {}).securitySchemes ??= {});
  const names = Object.keys(schemes);
  if (names.length === 0) {
    schemes.bearer = isV2 ? { type: "apiKey", in: "header", name: "X-API-Key" } : { type: "http", scheme: "bearer" };
    schemes.bearer.description = "An API key of the gateway.";
    document.security = [{ bearer: [] }];
    return;
  }
  const isBearer = ({ type, scheme }) => type === "http" && scheme?.toLowerCase() === "bearer";
  const isHeader = ({ type, name }) => type === "apiKey" && name?.toLowerCase() === "x-api-key";
  if (!names.some((name) => isBearer(schemes[name]))) {
    return;
  }
  const headerNames = names.filter((name) => isHeader(schemes[name]));
  for (const part of [document, ...operations]) {
    if (part.security) {
      part.security = part.security.filter((alternative) => !headerNames.some((name) => name in alternative));
    }
  }
  headerNames.forEach((name) => delete schemes[name]);
}

// moveExample moves the example of an optional parameter into the description. Swagger UI
// would put it into the form, and users would send it unchanged. But the examples of
// optional parameters can exclude each other, or name objects that do not exist.
function moveExample(parameter) {
  if (parameter.required || parameter.example === undefined) {
    return;
  }
  parameter.description = `${parameter.description ?? ""}\n\nExample: \`${parameter.example}\``;
  delete parameter.example;
}

// preparePlugin calls prepare for each document that Swagger UI loads.
const preparePlugin = () => ({
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (original) => (document) => original(prepare(document)) } },
  },
});

// exactJSONPlugin shows the numbers in a JSON response exactly as the gateway sent them.
// Swagger UI would parse them as JavaScript numbers, and show 12345678901234567890 with
// other digits and 1e400 as null.
const exactJSONPlugin = () => ({
  wrapComponents: {
    responseBody: (Original, { React }) => (props) => {
      const { content, contentType, getComponent } = props;
      const text = typeof content === "string" && /json/i.test(contentType) ? indented(content) : undefined;
      if (text === undefined) {
        return React.createElement(Original, props);
      }
      const code = { language: "json", downloadable: true, fileName: "response.json", canCopy: true };
      const title = React.createElement("h5", null, "Response body");
      return React.createElement("div", null, title, React.createElement(getComponent("HighlightCode", true), code, text));
    },
  },
});

// indented indents a JSON document, or a JSON document on each line, and changes only white
// space. It returns undefined if the text is not JSON.
function indented(text) {
  const isJSON = (part) => {
    try {
      JSON.parse(part);
      return true;
    } catch {
      return false;
    }
  };
  const parts = isJSON(text) ? [text] : text.split("\n").filter((line) => line.trim() !== "");
  return parts.length > 0 && parts.every(isJSON) ? parts.map(indentedValue).join("\n") : undefined;
}

function indentedValue(json) {
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g);
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  const write = (token, i) => {
    switch (token) {
      case "{":
      case "[":
        depth++;
        return /^[}\]]$/.test(tokens[i + 1]) ? token : token + line();
      case "}":
      case "]":
        depth--;
        return /^[{[]$/.test(tokens[i - 1]) ? token : line() + token;
      case ",":
        return token + line();
      case ":":
        return `${token} `;
      default:
        return token;
    }
  };
  return tokens.map(write).join("");
}

function show(path) {
  return SwaggerUIBundle({
    dom_id: "#api",
    url: path,
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [preparePlugin, exactJSONPlugin],
    layout: "BaseLayout",
    deepLinking: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    // A link to this page must not be able to select the document or the host to call.
    queryConfigEnabled: false,
    validatorUrl: null,
    // Swagger UI must not store the key in the browser.
    persistAuthorization: false,
  });
}

// addDocuments fills the selector of documents.
function addDocuments(documents, ui) {
  const selector = window.document.getElementById("documents");
  for (const { title, path } of documents) {
    selector.append(new Option(title, path));
  }
  selector.value = documents[0].path;
  selector.addEventListener("change", () => {
    history.replaceState(null, "", location.pathname); // the fragment names an operation of the previous document
    ui.specActions.updateUrl(selector.value);
    ui.specActions.download(selector.value);
  });
  selector.parentElement.hidden = documents.length < 2;
}

// followColorScheme uses the dark mode of Swagger UI when the browser prefers it.
function followColorScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const update = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", update);
  update();
}

async function start() {
  followColorScheme();
  const main = document.getElementById("api");
  try {
    const response = await fetch("/docs/documents.json");
    if (!response.ok) {
      throw new Error(`status ${response.status}`);
    }
    const documents = await response.json();
    addDocuments(documents, show(documents[0].path));
  } catch (error) {
    main.textContent = `The list of documents cannot be read: ${error.message}. Reload the page to try again.`;
    main.className = "notice";
  }
}

start();
