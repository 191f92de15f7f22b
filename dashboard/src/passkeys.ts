// Passkeys: what the browser makes of the options of the API.

/** Passkeys are bound to the name of a host; an address of digits has none. */
export const canHavePasskeys = (host: string): boolean => "credentials" in navigator && typeof PublicKeyCredential === "function" && !/^[\d.]+$|:/.test(host);

/** Let the person make a passkey on a device. Throws DOMException if they do not. */
export async function createPasskey(options: object): Promise<Record<string, unknown>> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null;
  if (!credential) throw new DOMException("no passkey was made", "NotAllowedError");
  return credential.toJSON() as Record<string, unknown>;
}

/** Let the person choose one of the device's passkeys. Throws DOMException if they do not, or have none. */
export async function askPasskey(options: object): Promise<Record<string, unknown>> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential | null;
  if (!credential) throw new DOMException("no passkey was chosen", "NotAllowedError");
  return credential.toJSON() as Record<string, unknown>;
}
