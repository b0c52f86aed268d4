// The demonstration: two devices of one visitor, by the same requests that a page of a customer sends, and what the server sees.
'use strict';

{
  const root = document.getElementById('demo');
  const { application, publishable, targetKind, target, group, member } = root.dataset;
  const api = `${location.origin}/api/v1`;
  const sockets = location.origin.replace(/^http/, 'ws');
  const words = new Map([...document.querySelectorAll('#said > li')].map((row) => [row.dataset.name, row.textContent]));
  const say = (name, filling = '') => (words.get(name) ?? name).replace('{}', filling);
  const random = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const account = { email: `ann-${random(2)}@example.org`, password: `violet otter ${random(2)}` };
  /** Tokens are long, and what one looks like is soon known. */
  const short = (text) => text.replace(/(eyJ[\w-]{9})[\w.-]+/g, '$1…').replace(/(rf[a-z]_[\w-]{6})[\w-]+/g, '$1…').replace(/("ticket":"[^"]{8})[^"]+/g, '$1…');
  const make = (name, className, text = '') => Object.assign(document.createElement(name), { className, textContent: text });

  async function ask(method, path, body, token) {
    const headers = { ...(body && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    const json = text.startsWith('{') ? JSON.parse(text) : null;
    if (!answer.ok) throw new Error(json?.title ?? String(answer.status));
    return json;
  }

  // What the sockets say.
  const frames = document.getElementById('frames');
  function log(device, way, text) {
    if (!frames.dataset.begun) frames.replaceChildren();
    frames.dataset.begun = 'yes';
    frames.append(make('p', way, `${device.name} ${short(text)}`));
    while (frames.childElementCount > 60) frames.firstElementChild.remove();
    frames.scrollTop = frames.scrollHeight;
  }

  class Device {
    constructor(id) {
      this.id = id;
      this.element = document.getElementById(id);
      this.name = document.getElementById(`${id}-name`).textContent;
      this.state = 'none';
      this.first = this.part('start').textContent;
      this.on('start', () => this.start());
      this.on('renew', () => this.renew());
      this.on('leave', () => this.leave());
      this.show();
    }

    part(name) { return this.element.querySelector(`[data-part="${name}"]`); }

    on(part, act) {
      this.part(part).addEventListener('click', () => this.doing(act));
    }

    /** Acts, says what was refused, and leaves nobody without focus. */
    async doing(act) {
      try {
        await act();
      } catch (refusal) {
        this.said = say('refused', refusal.message);
      }
      this.show();
      if (document.activeElement === document.body) {
        this.element.querySelector('button:not([hidden]):not(:disabled)')?.focus({ preventScroll: true });
      }
    }

    get kind() { return this.tokens?.identity.kind; }
    get automatic() { return this.part('automatic').querySelector('input').checked; }

    async start() {
      this.said = '';
      if (this.closed?.code === 4401) {
        await this.fresh();
      } else if (this.id === 'laptop') {
        choose('guest');
        this.tokens = await ask('POST', '/api/v1/guests', { application, nickname: `Visitor ${random(2)}` });
      } else {
        choose('device');
        this.tokens = await ask('POST', '/api/v1/sign-in', { application, ...account });
      }
      this.open();
    }

    async become(email, password) {
      Object.assign(account, { email, password });
      choose('member');
      this.tokens = await ask('POST', '/api/v1/me/upgrade', account, this.tokens.access_token);
      this.after = say('became_member');
      this.send({ type: 'token.update', token: this.tokens.access_token });
    }

    async fresh() {
      this.tokens = await ask('POST', '/api/v1/refresh', { application, refresh_token: this.tokens.refresh_token });
    }

    async renew() {
      choose('renew');
      await this.fresh();
      this.after = say('renewed');
      this.send({ type: 'token.update', token: this.tokens.access_token });
    }

    async leave() {
      choose('leave');
      this.leaving = true;
      await ask('POST', '/api/v1/sign-out', undefined, this.tokens.access_token);
    }

    open() {
      this.state = 'connecting';
      this.closed = null;
      this.leaving = false;
      const socket = new WebSocket(`${sockets}/api/v1/socket?application=${application}`);
      this.socket = socket;
      socket.addEventListener('open', () => this.send({ type: 'authenticate', token: this.tokens.access_token }));
      socket.addEventListener('message', ({ data }) => this.heard(JSON.parse(data), data));
      socket.addEventListener('close', ({ code, reason }) => this.ended(code, reason));
    }

    send(frame) {
      if (this.socket?.readyState !== WebSocket.OPEN) return;
      const text = JSON.stringify(frame);
      if (frame.type !== 'pong') log(this, 'out', text);
      this.socket.send(text);
    }

    heard(frame, text) {
      if (frame.type === 'ping') return this.send({ type: 'pong' });
      log(this, 'in', text);
      if (frame.type === 'ready' || frame.type === 'updated') {
        this.state = 'open';
        this.life = frame.expires_in;
        this.end = performance.now() + frame.expires_in * 1000;
        this.warned = null;
        this.said = this.after ?? '';
        this.after = null;
        look(200);
      } else if (frame.type === 'expiring') {
        this.warned = frame.seconds_left;
        this.said = say('warned', frame.seconds_left);
        // A client of yours would renew before; here the warning shall be seen.
        if (this.automatic) setTimeout(() => this.warned && this.automatic && this.doing(() => this.renew()), 4000);
      }
      return this.show();
    }

    ended(code, reason) {
      log(this, 'end', `${code} ${reason}`);
      this.state = 'closed';
      this.closed = { code, reason };
      this.warned = null;
      this.said = '';
      if (reason === 'session_revoked' && !this.leaving) revoked = true;
      this.show();
      look(200);
    }

    meaning() {
      if (this.leaving) return say('left');
      const { code, reason } = this.closed;
      if (code === 1006) return say('cut');
      return say(words.has(reason) ? reason : 'other_reason');
    }

    who() {
      if (this.tokens) {
        const { id, profile } = this.tokens.identity;
        const name = this.kind === 'member' ? account.email : profile.nickname;
        return `${name} · ${say(this.kind)} · ${id.slice(-8)}`;
      }
      if (this.id === 'laptop') return say('nobody_here');
      return say(laptop?.kind === 'member' ? 'ready_here' : 'members_first');
    }

    show() {
      const open = this.state === 'open';
      const badge = this.part('state');
      badge.textContent = say(`state_${this.state}`);
      badge.className = `badge ${{ open: 'good', connecting: 'warn', closed: 'bad' }[this.state] ?? ''}`;
      this.element.dataset.state = this.state;
      this.part('who').textContent = this.who();
      this.part('said').textContent = this.said ?? '';
      this.part('term').hidden = !open;
      this.part('end').hidden = !this.closed;
      if (this.closed) {
        this.part('code').textContent = say('closed_with', `${this.closed.code} ${this.closed.reason}`);
        this.part('reason').textContent = this.meaning();
      }
      const start = this.part('start');
      start.hidden = open || this.state === 'connecting';
      start.disabled = this.id === 'phone' && laptop?.kind !== 'member';
      start.textContent = !this.closed ? this.first : say(this.closed.code === 4401 ? 'come_back' : 'start_again');
      for (const part of ['renew', 'leave', 'automatic']) this.part(part).hidden = !open;
      if (this.id === 'laptop') this.part('membership').hidden = !(open && this.kind === 'guest');
      this.tick();
      steps();
      code();
    }

    tick() {
      if (this.state !== 'open') return;
      const left = Math.max(0, (this.end - performance.now()) / 1000);
      const bar = this.part('bar');
      bar.max = this.life;
      bar.value = left;
      bar.className = this.warned ? 'soon' : '';
      this.part('left').textContent = say('seconds', Math.ceil(left));
    }
  }

  // What the server sees.
  const live = document.getElementById('live');
  let timer;
  async function look(after = 0) {
    clearTimeout(timer);
    if (after) return void (timer = setTimeout(look, after));
    try {
      if (!document.hidden) seen((await ask('GET', '/dev/connections')).items);
    } catch {
      // It is stopped, or starts again; the next look will tell.
    }
    timer = setTimeout(look, 1000);
    return undefined;
  }

  function seen(items) {
    const focused = live.contains(document.activeElement);
    for (const row of [...live.children]) if (!items.some(({ id }) => id === row.id)) row.remove();
    for (const item of items) {
      const row = document.getElementById(item.id) ?? entry(item);
      const name = item.name ?? item.identity.slice(-8);
      row.querySelector('strong').textContent = name;
      const badge = row.querySelector('.badge');
      badge.textContent = say(item.kind ?? '');
      badge.className = `badge ${item.kind === 'guest' ? 'warn' : 'good'}`;
      const device = [laptop, phone].find((one) => one.tokens?.session_id === item.session);
      const facts = [device?.name, item.face, item.project, item.node.slice(0, 10), say('since', item.seconds)];
      row.querySelector('small').textContent = facts.filter(Boolean).join(' · ');
      row.querySelector('button').setAttribute('aria-label', say('revoke_whom', device ? `${name}, ${device.name}` : name));
      row.dataset.session = item.session;
    }
    document.getElementById('count').textContent = items.length;
    document.getElementById('nobody').hidden = items.length > 0;
    if (focused && !live.contains(document.activeElement)) (live.querySelector('button') ?? document.getElementById('server')).focus();
  }

  function entry({ id }) {
    const row = Object.assign(make('li', ''), { id });
    const about = make('div', '');
    about.append(make('strong', ''), make('span', 'badge'), make('small', ''));
    const button = Object.assign(make('button', 'danger small', say('revoke')), { type: 'button' });
    button.addEventListener('click', async () => {
      lastRevoked = row.dataset.session;
      choose('revoke');
      await ask('DELETE', `/dev/sessions/${row.dataset.session}`).catch(() => {});
      look();
    });
    row.append(about, button);
    live.append(row);
    return row;
  }

  // How far one has come.
  let revoked = false;
  function steps() {
    if (!phone) return;
    const done = { guest: laptop.tokens, member: laptop.kind === 'member', device: phone.tokens, revoke: revoked };
    let current = false;
    for (const step of document.querySelectorAll('#steps > li')) {
      const finished = Boolean(done[step.dataset.step]);
      step.toggleAttribute('data-done', finished);
      if (!finished && !current) step.setAttribute('aria-current', 'step');
      else step.removeAttribute('aria-current');
      current ||= !finished;
    }
  }

  // The same in code.
  let action = 'guest';
  let lastRevoked;
  const json = `-H 'Content-Type: application/json'`;
  const bearer = (token) => `-H "Authorization: Bearer ${token ?? '$TOKEN'}"`;
  const post = (path, body, more = '') => `curl -sS ${api}${path} \\\n  ${json} \\\n${more && `  ${more} \\\n`}  -d '${JSON.stringify(body)}'`;
  const apirtc = `'${location.origin}/apirtc'`;
  const telnyx = `'${sockets}/telnyx'`;
  const client = `import { createClient } from '@ringfence/client';\n\nconst client = createClient({\n  url: '${location.origin}',\n  application: '${application}',\n});`;
  const quoted = () => `{ email: '${account.email}', password: '${account.password}' }`;
  const codes = {
    guest: () => ({
      curl: post('/guests', { application }),
      typescript: `${client}\nawait client.guest();\nclient.connect();`,
      vendor: `// @apirtc/apirtc\nconst agent = new apiRTC.UserAgent({ uri: 'apiKey:${publishable}' });\nagent.register({ cloudUrl: ${apirtc} });\n\n// @telnyx/webrtc\nnew TelnyxRTC({\n  anonymous_login: { target_type: '${targetKind}', target_id: '${target}' },\n  host: ${telnyx},\n}).connect();`,
    }),
    member: () => ({
      curl: post('/me/upgrade', account, bearer(laptop.tokens?.access_token)),
      typescript: `await client.upgrade(${quoted()});\n// The id stays, and so does the open connection.`,
      vendor: `// @apirtc/apirtc; the password was printed by \`ringfence dev\`\nconst agent = new apiRTC.UserAgent({ uri: 'apirtc:${member}' });\nagent.register({ cloudUrl: ${apirtc}, password });`,
    }),
    device: () => ({
      curl: post('/sign-in', { application, ...account }),
      typescript: `${client}\nawait client.signIn(${quoted()});\nclient.connect();`,
      vendor: `// @telnyx/webrtc; the password is in ringfence-dev.toml\nnew TelnyxRTC({\n  login: '${group}', password,\n  host: ${telnyx},\n}).connect();`,
    }),
    renew: () => ({
      curl: post('/refresh', { refresh_token: laptop.tokens?.refresh_token ?? '$REFRESH_TOKEN' }),
      typescript: `client.on('warning', ({ secondsLeft }) => {\n  // A renewal is on its way already.\n});\nawait client.token(); // one that is good now`,
      vendor: `// @telnyx/webrtc\nclient.on('telnyx.warning', async ({ warning }) => {\n  if (warning.code !== 34001) return;\n  client.login({ creds: { login_token: await freshToken() } });\n});`,
    }),
    revoke: () => ({
      curl: `KEY=$(sed -n '/"first page"/{n;s/^value = "\\(.*\\)"/\\1/p;}' ringfence-dev.toml)\ncurl -sS -X DELETE -H "Authorization: Bearer $KEY" \\\n  ${api}/admin/sessions/${lastRevoked ?? laptop.tokens?.session_id ?? '$SESSION'}`,
      typescript: `client.on('revoke', ({ reason }) => {\n  // ${say('session_revoked')}\n  showSignIn(reason); // 'session_revoked'\n});`,
      vendor: `// telnyx, in your back end: the sockets of this credential close\nawait telnyx.telephonyCredentials.delete(credential.id);\n\n// @apirtc/apirtc, REST\nawait fetch('${location.origin}/apirtc/api/v3/token/revoke', {\n  method: 'POST', headers: { Authorization: \`Bearer \${token}\` },\n});`,
    }),
    leave: () => ({
      curl: `curl -sS -X POST ${api}/sign-out ${bearer(laptop.tokens?.access_token)}`,
      typescript: `await client.signOut(); // in every tab, and at the server`,
      vendor: `// @apirtc/apirtc\nagent.unregister();\n\n// @telnyx/webrtc\nclient.disconnect();`,
    }),
  };

  function choose(name) {
    action = name;
    code();
  }

  function code() {
    if (!phone) return;
    for (const [kind, text] of Object.entries(codes[action]())) {
      const shown = document.getElementById(`code-${kind}`);
      if (shown.dataset.full === text) continue;
      shown.dataset.full = text;
      shown.textContent = short(text);
    }
    for (const button of document.querySelectorAll('#actions > button')) {
      button.setAttribute('aria-pressed', String(button.dataset.action === action));
    }
  }

  let laptop;
  let phone;
  laptop = new Device('laptop');
  phone = new Device('phone');
  const form = laptop.part('membership');
  form.elements.email.value = account.email;
  form.elements.password.value = account.password;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    laptop.doing(async () => {
      await laptop.become(form.elements.email.value, form.elements.password.value);
      phone.show();
    });
  });
  document.getElementById('actions').addEventListener('click', ({ target: { dataset } }) => dataset.action && choose(dataset.action));
  setInterval(() => { laptop.tick(); phone.tick(); }, 250);
  laptop.show();
  look();
}
