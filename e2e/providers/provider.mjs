// An OpenID provider that others wrote (the package oidc-provider), for one test.
//
// The one argument is JSON:
//   port        where to listen; a free one where it is left out
//   algorithms  what it has keys for, the one it signs with first: RS256, PS256, ES256, EdDSA
//   pkce        whether it refuses sign-ins without PKCE
//   userinfo    whether it tells claims at userinfo alone, and not in the ID token
//   settings    more settings of the package's own
//
// It says {"issuer": …} when it is ready. Clients come as lines of JSON on standard input, as an
// administrator would enter them, and are confirmed by a line. It ends with its standard input.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import Provider from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

const wanted = JSON.parse(process.argv[2]);
const clients = new Map();

const KINDS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};

function newKey(alg) {
  const { privateKey } = generateKeyPairSync(...KINDS[alg]);
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() };
}

// Everything is kept in memory, and clients are those that were entered.
class Adapter extends MemoryAdapter {
  constructor(name) {
    super(name);
    this.kind = name;
  }

  async find(id) {
    return this.kind === 'Client' ? clients.get(id) : super.find(id);
  }
}

const server = createServer();
server.listen(wanted.port ?? 0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  adapter: Adapter,
  jwks: { keys: wanted.algorithms.map(newKey) },
  // Whoever signs in is who they say they are: the package's own form takes any password.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@acme.example`,
      email_verified: true,
      name: `${id} of Acme`,
      groups: ['everybody', `${id}s`],
    }),
  }),
  claims: {
    openid: ['sub', 'sid'],
    email: ['email', 'email_verified'],
    profile: ['name', 'groups'],
  },
  conformIdTokenClaims: Boolean(wanted.userinfo),
  pkce: { required: () => Boolean(wanted.pkce) },
  cookies: { keys: [randomUUID()] },
  enabledJWA: {
    idTokenSigningAlgValues: wanted.algorithms,
    clientAuthSigningAlgValues: ['ES256', 'EdDSA'],
  },
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  ...wanted.settings,
});
provider.on('server_error', (_, error) => console.error(error));
server.on('request', provider.callback());

console.log(JSON.stringify({ issuer }));
for await (const line of createInterface({ input: process.stdin })) {
  const client = JSON.parse(line);
  clients.set(client.client_id, client);
  console.log(JSON.stringify({ entered: client.client_id }));
}
process.exit(0);
