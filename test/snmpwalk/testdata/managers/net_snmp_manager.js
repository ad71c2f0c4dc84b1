// Asks an agent by the package net-snmp as the users of SNMPv3 that standard input names, and receives their notifications.
//
// net_snmp_manager.js ask ADDRESS PORT        one line of JSON for each user: what was answered
// net_snmp_manager.js receive ADDRESS PORT    one line of JSON for each notification, by the user
"use strict";

const fs = require("fs");
const snmp = require("net-snmp");

const hashes = { none: "none", MD5: "md5", SHA: "sha", "SHA-224": "sha224", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };
const ciphers = { none: "none", DES: "des", AES: "aes", "AES-192": "aes192b", "AES-256": "aes256b", "AES-192-C": "aes192r", "AES-256-C": "aes256r" };

// lacks is the protocol of a user that the package does not have, or nothing.
function lacks(user) {
	if (!(hashes[user.hash] in snmp.AuthProtocols)) return user.hash;
	if (!(ciphers[user.cipher] in snmp.PrivProtocols)) return user.cipher;
}

function of(user, different) {
	const of = { name: user.name, level: snmp.SecurityLevel.noAuthNoPriv };
	if (user.auth) Object.assign(of, { level: snmp.SecurityLevel.authNoPriv, authProtocol: snmp.AuthProtocols[hashes[user.hash]], authKey: user.auth });
	if (user.priv) Object.assign(of, { level: snmp.SecurityLevel.authPriv, privProtocol: snmp.PrivProtocols[ciphers[user.cipher]], privKey: user.priv });
	return Object.assign(of, different);
}

const say = (line) => console.log(JSON.stringify(line));
const plain = (variable) => [variable.oid, snmp.isVarbindError(variable) ? snmp.varbindError(variable) : String(variable.value)];

// by gives a session to a function that calls back, and what that calls back with.
function by(address, port, user, how) {
	const session = snmp.createV3Session(address, user, { port: Number(port), timeout: 30000, retries: 0 });
	return new Promise((resolve) => how(session, (error, variables) => resolve(error ? error.message : variables)))
		.finally(() => session.close());
}

async function ask(address, port, users) {
	for (const user of users) {
		const missing = lacks(user);
		if (missing) {
			say({ name: user.name, lacks: missing });
			continue;
		}
		const get = (session, done) => session.get([user.get], (error, variables) => done(error, variables && variables.map(plain)));
		const set = (session, done) => session.set([{ oid: user.set, type: snmp.ObjectType.OctetString, value: user.value }],
			(error, variables) => done(error, variables && variables.map(plain)));
		const walk = (session, done) => {
			const all = [];
			session.subtree(user.walk, 7, (variables) => { all.push(...variables.map(plain)); }, (error) => done(error, all));
		};
		const answer = { name: user.name };
		answer.get = await by(address, port, of(user), get);
		answer.walk = await by(address, port, of(user), walk);
		answer.set = await by(address, port, of(user), set);
		answer.unknown = await by(address, port, of(user, { name: "nobody" }), get);
		if (user.auth) answer.wrongAuth = await by(address, port, of(user, { authKey: "of somebody else" }), get);
		if (user.priv) answer.wrongPriv = await by(address, port, of(user, { privKey: "of somebody else" }), get);
		say(answer);
	}
}

function receive(address, port, users) {
	const receiver = snmp.createReceiver({ address, port: Number(port), includeAuthentication: true }, (error, received) => {
		if (error) say({ failure: error.message });
		else say({ name: received.pdu.user, pdu: snmp.PduType[received.pdu.type], variables: received.pdu.varbinds.map(plain) });
	});
	const lacked = {};
	for (const user of users) {
		const missing = lacks(user);
		if (missing) lacked[user.name] = missing;
		else receiver.getAuthorizer().addUser(of(user));
	}
	say({ listening: true, lacks: lacked });
}

const [verb, address, port] = process.argv.slice(2);
({ ask, receive })[verb](address, port, JSON.parse(fs.readFileSync(0)));
