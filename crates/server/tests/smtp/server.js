// A mail server on loopback for the tests of ours: says where it listens, then each message it took, one JSON object a line.
// Usage: node server.js KEY CERTIFICATE starttls|tls|plain
const fs = require("fs");
const { SMTPServer } = require("smtp-server");

const [key, cert, manner] = process.argv.slice(2);
const say = (object) => process.stdout.write(JSON.stringify(object) + "\n");

const server = new SMTPServer({
  key: fs.readFileSync(key),
  cert: fs.readFileSync(cert),
  secure: manner === "tls",
  hideSTARTTLS: manner === "plain",
  disabledCommands: manner === "plain" ? ["STARTTLS"] : [],
  authOptional: true,
  allowInsecureAuth: true,
  onAuth({ username, password }, session, done) {
    const right = username === "user" && password === "p@ss/word";
    done(right ? null : new Error("wrong password"), right ? { user: username } : undefined);
  },
  onData(stream, session, done) {
    const pieces = [];
    stream.on("data", (piece) => pieces.push(piece));
    stream.on("end", () => {
      const { mailFrom, rcptTo } = session.envelope;
      say({
        secure: session.secure,
        user: session.user || null,
        from: mailFrom.address,
        to: rcptTo.map((recipient) => recipient.address),
        message: Buffer.concat(pieces).toString("utf8"),
      });
      done();
    });
  },
});

server.on("error", () => {});
server.listen(0, "127.0.0.1", () => say({ port: server.server.address().port }));
