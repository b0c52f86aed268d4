// The `io` that the ApiRTC library looks for (docs/dialects/apirtc.md): Socket.IO 5 over Engine.IO 4, one namespace to a line,
// texts only. A line is a WebSocket, or polling where none opens. It comes back after a loss until the page or the server ends it.
(function (page) {
  "use strict";

  const SEPARATOR = "\u001e";
  // A proxy that knows no WebSocket may leave it hanging.
  const PATIENCE = 5000;

  // Gives `target` listeners, and returns what calls them.
  function listened(target) {
    const listeners = {};
    target.on = (name, listener) => {
      (listeners[name] = listeners[name] || []).push(listener);
      return target;
    };
    target.off = (name, listener) => {
      listeners[name] = (listeners[name] || []).filter((one) => listener && one !== listener);
      return target;
    };
    return (name, ...said) => (listeners[name] || []).slice().forEach((listener) => listener.apply(target, said));
  }

  // Names and values arrive pasted together as they are; whatever they hold is sent so that it arrives as it was meant.
  function escaped(query) {
    const escape = (text) => {
      try {
        return encodeURIComponent(decodeURIComponent(text));
      } catch {
        return encodeURIComponent(text);
      }
    };
    const pairs = query.split("&").filter(Boolean).map((pair) => {
      const end = pair.indexOf("=");
      return end < 0 ? escape(pair) + "=" : escape(pair.slice(0, end)) + "=" + escape(pair.slice(end + 1));
    });
    return pairs.map((pair) => pair + "&").join("");
  }

  // Host, namespace and query of an address. Not by `URL`, for ids stand in it unescaped.
  function parsed(address) {
    const found = /^(?:(\w+):)?\/\/([^/?#]+)([^?#]*)(?:\?([^#]*))?/.exec(address);
    if (!found) throw new Error("not an address of a channel");
    const secure = /^(https|wss)$/.test(found[1] || page.location.protocol.slice(0, -1));
    return { secure, host: found[2], namespace: found[3] || "/", query: found[4] || "" };
  }

  function bySocket({ secure, host }, query, hear, lose) {
    const socket = new page.WebSocket(`${secure ? "wss" : "ws"}://${host}/socket.io/?${query}EIO=4&transport=websocket`);
    socket.onmessage = (message) => hear(message.data);
    socket.onclose = () => lose("transport close");
    return {
      send: (packet) => socket.send(packet),
      close: () => {
        socket.onmessage = socket.onclose = null;
        socket.close();
      },
    };
  }

  function byPolling({ secure, host }, query, hear, lose) {
    const address = `${secure ? "https" : "http"}://${host}/socket.io/?${query}EIO=4&transport=polling`;
    const polls = new AbortController();
    const waiting = [];
    let [sid, open, posting] = ["", true, false];

    async function ask(how) {
      const stamp = Math.random().toString(36).slice(2);
      const answer = await fetch(`${address}${sid}&t=${stamp}`, { credentials: "include", cache: "no-store", ...how });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      return answer.text();
    }
    function fail() {
      if (open) lose("transport error");
      open = false;
    }
    function take(packet) {
      if (packet[0] === "0") sid = "&sid=" + encodeURIComponent(JSON.parse(packet.slice(1)).sid);
      if (open) hear(packet);
    }
    async function poll() {
      while (open) (await ask({ signal: polls.signal })).split(SEPARATOR).forEach(take);
    }
    async function post() {
      posting = true;
      while (waiting.length) await ask({ method: "POST", body: waiting.splice(0).join(SEPARATOR) });
      posting = false;
    }
    function send(packet) {
      waiting.push(packet);
      if (!posting) post().catch(fail);
    }
    poll().catch(fail);
    return {
      send,
      close: () => {
        open = false;
        if (sid) send("1");
        polls.abort();
      },
    };
  }

  const CARRIERS = { websocket: bySocket, polling: byPolling };

  function connect(address, options) {
    const where = parsed(address || page.location.origin);
    const named = where.namespace === "/" ? "" : where.namespace + ",";
    const manager = { opts: { ...options, query: where.query } };
    const socket = { io: manager, id: undefined, connected: false };
    const [tell, tellManager] = [listened(socket), listened(manager)];
    const wait = (what, fallback) => Number(manager.opts[what]) || fallback;

    let line = null;
    let unsent = [];
    let wanted = true;
    // Attempts to come back since there was a connection.
    let attempts = 0;
    let [deadline, retry] = [0, 0];

    function expect(within, otherwise) {
      clearTimeout(deadline);
      deadline = setTimeout(otherwise, within);
    }
    function drop() {
      clearTimeout(deadline);
      const dropped = line;
      line = null;
      if (dropped) dropped.close();
    }

    // The line is gone: whoever was connected is told so, whoever was not hears that it failed.
    function lose(reason) {
      drop();
      if (socket.connected) {
        [socket.connected, socket.id] = [false, undefined];
        tell("disconnect", reason);
      } else {
        fail(new Error(reason));
      }
      comeBack();
    }
    function fail(error) {
      tell("connect_error", error);
      tellManager("error", error);
      if (attempts) tellManager("reconnect_error", error);
    }
    function comeBack() {
      if (!wanted || line || retry || manager.opts.reconnection === false) return;
      if (attempts >= wait("reconnectionAttempts", Infinity)) {
        attempts = 0;
        tellManager("reconnect_failed");
        return;
      }
      const longest = wait("reconnectionDelayMax", 5000);
      const delay = Math.min(wait("reconnectionDelay", 1000) * 2 ** Math.min(attempts, 16), longest);
      attempts += 1;
      // Half to one and a half times as long, or all pages that lost a server come back at once.
      retry = setTimeout(() => {
        retry = 0;
        tellManager("reconnect_attempt", attempts);
        if (wanted) open(carriers());
      }, delay * (0.5 + Math.random()));
    }

    function carriers() {
      const wished = manager.opts.transports || ["websocket", "polling"];
      return wished.filter((name) => CARRIERS[name] && (name !== "websocket" || page.WebSocket));
    }
    // Opens a line by the first of `names`, or by the next where nothing is heard.
    function open([name, ...others]) {
      let greeted = false;
      const mine = {};
      const isMine = () => line && line.mine === mine;
      const give = (reason) => {
        if (!isMine()) return;
        if (greeted || !others.length) return lose(reason);
        drop();
        open(others);
      };
      const hear = (packet) => {
        if (!isMine()) return;
        greeted = true;
        take(packet, give);
        if (isMine()) expect(silence, () => give("ping timeout"));
      };
      expect(PATIENCE, () => give("timeout"));
      line = { mine, send() {}, close() {} };
      try {
        Object.assign(line, CARRIERS[name](where, escaped(manager.opts.query), hear, give));
      } catch (error) {
        setTimeout(give, 0, error.message);
      }
    }

    let silence = PATIENCE;
    function take(packet, give) {
      switch (packet[0]) {
        case "0": {
          const greeting = JSON.parse(packet.slice(1));
          silence = greeting.pingInterval + greeting.pingTimeout;
          line.send("40" + named);
          break;
        }
        case "1":
          return give("transport close");
        case "2":
          line.send("3");
          break;
        case "4":
          message(packet[1], packet.slice(2));
          break;
      }
    }
    function message(kind, rest) {
      if (!rest.startsWith(named)) return;
      const said = rest.slice(named.length).replace(/^\d+/, "");
      const data = said ? JSON.parse(said) : undefined;
      switch (kind) {
        case "0":
          return welcome(data);
        case "1":
          wanted = false;
          return lose("io server disconnect");
        case "2":
          return tell(...data);
        case "4":
          drop();
          fail(new Error(data.message));
          return comeBack();
      }
    }
    function welcome({ sid }) {
      const after = attempts;
      attempts = 0;
      // What listeners say now goes out with what has waited.
      if (after) tellManager("reconnect", after);
      [socket.connected, socket.id] = [true, sid];
      unsent.splice(0).forEach((packet) => line && line.send(packet));
      tell("connect");
    }

    socket.emit = (name, ...said) => {
      // Nothing is acknowledged here.
      const packet = "42" + named + JSON.stringify([name, ...said.filter((one) => typeof one !== "function")]);
      if (socket.connected) line.send(packet);
      else unsent.push(packet);
      return socket;
    };
    socket.connect = socket.open = () => {
      if (!line && !retry) {
        [wanted, attempts] = [true, 0];
        // Later, so that nothing happens before the listeners are there.
        line = { send() {}, close() {} };
        const opening = line;
        setTimeout(() => line === opening && open(carriers()), 0);
      }
      return socket;
    };
    socket.disconnect = socket.close = () => {
      [wanted, unsent] = [false, []];
      clearTimeout(retry);
      retry = 0;
      if (socket.connected) {
        line.send("41" + named);
        lose("io client disconnect");
      } else {
        drop();
      }
      return socket;
    };
    return manager.opts.autoConnect === false ? socket : socket.connect();
  }

  connect.connect = connect;
  page.io = connect;
})(globalThis);
