// An identity provider made of npm's jose: signs tokens, and publishes its keys over HTTP as OpenID Connect wants it.
import http from 'node:http';
import https from 'node:https';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';

export const AUDIENCE = 'tickwire';

/** A key to sign with, and its public half as a JWK. */
export async function newKey(alg, kid) {
  if (alg === 'HS256') {
    const secret = crypto.getRandomValues(new Uint8Array(40)).map((byte) => 33 + (byte % 90)); // printable: it is a file's text
    return { alg, kid, signing: secret, secret: Buffer.from(secret).toString() };
  }
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), ...(kid && { kid }), alg, use: 'sig' };
  return { alg, kid, signing: privateKey, jwk, pem: await exportSPKI(publicKey) };
}

/** A token of `claims`, signed with `key`. `seconds`: until it expires. */
export function signed(key, { seconds = 300, header = {}, ...claims }) {
  const now = Math.floor(Date.now() / 1000);
  const token = new SignJWT({ iat: now, exp: now + seconds, ...claims });
  return token.setProtectedHeader({ alg: key.alg, ...(key.kid && { kid: key.kid }), ...header }).sign(key.signing);
}

export class Issuer {
  /** `tls`: { key, cert }, to be asked by https. */
  static async start(tls) {
    const self = new Issuer();
    self.keys = [];
    self.asked = { configuration: 0, keys: 0 };
    self.mood = 'well';
    const answer = (request, response) => self.#answer(request, response);
    self.server = tls ? https.createServer(tls, answer) : http.createServer(answer);
    await new Promise((resolve) => self.server.listen(0, 'localhost', resolve));
    self.url = `${tls ? 'https' : 'http'}://localhost:${self.server.address().port}`;
    return self;
  }

  #answer(request, response) {
    const json = (value) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const isKeys = request.url === '/keys';
    this.asked[isKeys ? 'keys' : 'configuration']++;
    if (this.mood === 'silent') return undefined;
    if (this.mood === 'broken') return response.writeHead(500).end('no');
    if (this.mood === 'elsewhere') return response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    if (this.mood === 'endless') return response.writeHead(200).end('{"keys":['.padEnd(1 << 20));
    if (this.mood === 'moved' && !request.url.endsWith('/here')) return response.writeHead(302, { location: `${request.url}/here` }).end();
    if (this.mood === 'nonsense') return response.writeHead(200).end('<html>');
    if (isKeys || request.url === '/keys/here') return json({ keys: this.keys.map((key) => key.jwk) });
    if (request.url.startsWith('/.well-known/openid-configuration'))
      return json({ issuer: this.mood === 'impostor' ? 'http://else.example' : this.url, jwks_uri: `${this.mood === 'downgrade' ? this.url.replace('https', 'http') : this.url}/keys` });
    return response.writeHead(404).end();
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
