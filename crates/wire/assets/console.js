// Passkeys: a form with `data-passkey` asks the browser for one and sends what it says in its hidden fields.
'use strict';

const bytes = (text) => new TextEncoder().encode(text);

function encoded(buffer) {
  const text = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function asked(form) {
  const { passkey, challenge, party, user, userName } = form.dataset;
  if (passkey === 'get') {
    const publicKey = { challenge: bytes(challenge), rpId: party, userVerification: 'required' };
    return navigator.credentials.get({ publicKey });
  }
  return navigator.credentials.create({
    publicKey: {
      challenge: bytes(challenge),
      rp: { id: party, name: 'Ringfence' },
      user: { id: bytes(user), name: userName, displayName: userName },
      // ES256, EdDSA, RS256.
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
    },
  });
}

function fields(credential) {
  const { response } = credential;
  const common = { client_data: encoded(response.clientDataJSON) };
  if (response.signature) {
    return {
      ...common,
      credential: encoded(credential.rawId),
      authenticator_data: encoded(response.authenticatorData),
      signature: encoded(response.signature),
    };
  }
  return {
    ...common,
    authenticator_data: encoded(response.getAuthenticatorData()),
    public_key: encoded(response.getPublicKey()),
    alg: String(response.getPublicKeyAlgorithm()),
  };
}

document.addEventListener('submit', async (event) => {
  const form = event.target;
  if (!form.dataset.passkey) return;
  event.preventDefault();
  const fault = form.querySelector('.fault');
  fault.hidden = true;
  try {
    const credential = await asked(form);
    for (const [name, value] of Object.entries(fields(credential))) form.elements.namedItem(name).value = value;
    form.submit();
  } catch {
    // Called off, no such passkey, or none possible here: the browser has said which.
    fault.textContent = form.dataset.failed;
    fault.hidden = false;
  }
});
