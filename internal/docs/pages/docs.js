"use strict";

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

// What the page changes of a document before it shows it.
function prepare(document) {
  if (typeof document !== "object" || document === null) {
    return document;
  }
  const copy = structuredClone(document);
  stayHere(copy);
  const shared = copy.components?.parameters ?? {};
  const operations = Object.values(copy.paths ?? {}).flatMap((path) => operationsOf(path, shared));
  showOneKey(copy, operations);
  [...Object.values(shared), ...operations.flatMap((operation) => operation.parameters)].forEach(tellExample);
  return copy;
}

// Requests go to the gateway that serves the page, by whichever name it was
// opened; the page's policy would stop all others.
function stayHere(document) {
  delete document.host; // of version 2, as are the schemes
  delete document.schemes;
  for (const server of document.servers ?? []) {
    if (URL.canParse(server.url)) {
      server.url = new URL(server.url).pathname;
    }
  }
}

// Swagger UI lists the parameters of a path, such as its ids, behind those of
// the operation. What has to be filled in comes first here.
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

// One field for the key. A document that takes it as a bearer token or as
// X-API-Key would show two, and whoever fills both is refused; one that says
// nothing of credentials would show none. The name is the same for all
// documents, so that a key that was entered stays in force on a change.
function showOneKey(document, operations) {
  const isOld = "swagger" in document;
  const schemes = isOld ? (document.securityDefinitions ??= {}) : ((document.components ??= {}).securitySchemes ??= {});
  const names = Object.keys(schemes);
  if (names.length === 0) {
    schemes.bearer = isOld ? { type: "apiKey", in: "header", name: "X-API-Key" } : { type: "http", scheme: "bearer" };
    schemes.bearer.description = "An API key of the gateway.";
    document.security = [{ bearer: [] }];
    return;
  }
  const isBearer = ({ type, scheme }) => type === "http" && scheme?.toLowerCase() === "bearer";
  const isHeader = ({ type, name }) => type === "apiKey" && name?.toLowerCase() === "x-api-key";
  if (!names.some((name) => isBearer(schemes[name]))) {
    return;
  }
  const seconds = names.filter((name) => isHeader(schemes[name]));
  for (const part of [document, ...operations]) {
    if (part.security) {
      part.security = part.security.filter((alternative) => !seconds.some((name) => name in alternative));
    }
  }
  seconds.forEach((name) => delete schemes[name]);
}

// Swagger UI fills in the examples. Sent without a thought, those of parameters
// that may be left out contradict one another, or name what does not exist:
// they are told in the description instead.
function tellExample(parameter) {
  if (parameter.required || parameter.example === undefined) {
    return;
  }
  parameter.description = `${parameter.description ?? ""}\n\nExample: \`${parameter.example}\``;
  delete parameter.example;
}

const preparing = () => ({
  statePlugins: {
    spec: { wrapActions: { updateJsonSpec: (original) => (document) => original(prepare(document)) } },
  },
});

// Swagger UI shows JSON as JavaScript reads it: 12345678901234567890 would end
// in 7000 and 1e400 be null, as if the gateway had changed the values.
const showingAsSent = () => ({
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

// indented gives JSON, or JSON on each line, with white space changed and nothing else; undefined for what is none.
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
    plugins: [preparing, showingAsSent],
    layout: "BaseLayout",
    deepLinking: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    // A link must not make this page show a document, or call a host, of its author's choice.
    queryConfigEnabled: false,
    validatorUrl: null,
    // The key would be kept in the browser's storage.
    persistAuthorization: false,
  });
}

function offer(documents, ui) {
  const selector = window.document.getElementById("documents");
  for (const { title, path } of documents) {
    selector.append(new Option(title, path));
  }
  selector.value = documents[0].path;
  selector.addEventListener("change", () => {
    history.replaceState(null, "", location.pathname); // the fragment names an operation of the document before
    ui.specActions.updateUrl(selector.value);
    ui.specActions.download(selector.value);
  });
  selector.parentElement.hidden = documents.length < 2;
}

function followColours() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}

async function start() {
  followColours();
  const main = document.getElementById("api");
  try {
    const response = await fetch("/docs/documents.json");
    if (!response.ok) {
      throw new Error(`status ${response.status}`);
    }
    const documents = await response.json();
    offer(documents, show(documents[0].path));
  } catch (error) {
    main.textContent = `The list of documents cannot be read: ${error.message}. Reload the page to try again.`;
    main.className = "notice";
  }
}

start();
