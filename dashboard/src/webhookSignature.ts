// Checks a webhook as its receiver does (Standard Webhooks 1.0): HMAC-SHA256 of id, time and body, with the endpoint's secret.

export type SignatureResult = "right" | "wrong" | "unreadable secret" | "not signed by HMAC";

/** Whether one of the signatures of a webhook is by this secret, `whsec_` and base64. */
export async function checkSignature(secret: string, headers: ReadonlyMap<string, string>, body: string): Promise<SignatureResult> {
  const key = decodeSecret(secret);
  if (!key) return "unreadable secret";
  const signatures = (headers.get("webhook-signature") ?? "").split(" ").filter((text) => text.startsWith("v1,"));
  if (!signatures.length) return "not signed by HMAC";
  const signed = new TextEncoder().encode(`${headers.get("webhook-id") ?? ""}.${headers.get("webhook-timestamp") ?? ""}.${body}`);
  const hmac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  for (const signature of signatures) {
    const bytes = decodeBase64(signature.slice(3));
    if (bytes && (await crypto.subtle.verify("HMAC", hmac, bytes, signed))) return "right";
  }
  return "wrong";
}

function decodeSecret(secret: string): Uint8Array<ArrayBuffer> | undefined {
  const text = secret.trim();
  return text.startsWith("whsec_") ? decodeBase64(text.slice(6)) : undefined;
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
