// SM2 and SM3 as npm's sm-crypto has them. Arguments, all in hexadecimal: a private key, the message whose SM2 signature is asked for, a
// signature of that message to look at, and the bytes of an envelope. Prints JSON.
const { sm2, sm3 } = require('sm-crypto');

const [key, message, signature, envelope] = process.argv.slice(2);
const bytes = (text) => [...Buffer.from(text, 'hex')];
const point = sm2.getPublicKeyFromPrivateKey(key);
const options = { hash: true, publicKey: point, userId: '1234567812345678' };
console.log(JSON.stringify({
  point,
  signature: sm2.doSignature(bytes(message), key, options),
  verifies: sm2.doVerifySignature(bytes(message), signature, point, options),
  hash: sm3(bytes(envelope)),
}));
