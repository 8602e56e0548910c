// An OpenID provider in its own process. It receives the port and the keys from the parent process, and sends back the
// port that it listens on. It exits when its parent exits.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider, { type JWK } from "oidc-provider";

/** The provider signs with the first key, and publishes all of them. */
export type Keys = [JWK, ...JWK[]];

export interface Settings {
  /** 0 selects a free port. */
  port: number;
  keys: Keys;
}

export type Client = keyof typeof clients;

const clients = {
  writer: { permissions: ["default:write"], seconds: 600 },
  reader: { permissions: ["default:read"], seconds: 600 },
  /** A client whose tokens expire during a test. */
  brief: { permissions: ["default:write"], seconds: 5 },
};

process.on("disconnect", () => process.exit());
const [{ port, keys }] = (await once(process, "message")) as [Settings];
const alg = keys[0].alg as "RS256" | "ES256" | "EdDSA";

// The issuer's URL contains the port, so the server listens first.
const server = createServer().listen(port, "127.0.0.1");
await once(server, "listening");
const bound = (server.address() as AddressInfo).port;

const provider = new Provider(`http://127.0.0.1:${bound}`, {
  jwks: { keys },
  clients: Object.keys(clients).map((id) => ({
    client_id: id,
    client_secret: "secret",
    grant_types: ["client_credentials"],
    response_types: [],
    redirect_uris: [],
    id_token_signed_response_alg: alg,
  })),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource, client) => ({
        scope: "",
        audience: resource.replace("urn:audience:", ""),
        accessTokenFormat: "jwt",
        accessTokenTTL: clients[client.clientId as Client].seconds,
        jwt: { sign: { alg } },
      }),
    },
  },
  extraTokenClaims: (_, token) => ({ permissions: clients[token.clientId as Client].permissions }),
});
server.on("request", provider.callback());
process.send?.(bound);
