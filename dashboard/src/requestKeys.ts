// Keys with which a request that is repeated happens once.

/** A new Idempotency-Key. */
export const makeKey = () => toHex(crypto.getRandomValues(new Uint8Array(16)));

/** A new id with the time in front (UUIDv7), as `brd_...`: who repeats the request with it starts nothing twice. */
export function makeId(prefix: string, now: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  new DataView(bytes.buffer).setBigUint64(0, (BigInt(Math.floor(now)) << 16n) | 0x7000n | BigInt(bytes[7] ?? 0));
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return `${prefix}_${toHex(bytes)}`;
}

const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
