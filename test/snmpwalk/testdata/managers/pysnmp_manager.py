"""Asks an agent by pysnmp as the users of SNMPv3 that standard input names, and receives their notifications.

pysnmp_manager.py ask ADDRESS PORT       one line of JSON for each user: what was answered
pysnmp_manager.py receive ADDRESS PORT ENGINE    one line of JSON for each notification, by the user and ENGINE
"""

import json
import sys

from pysnmp import hlapi
from pysnmp.carrier.asyncore.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.proto import rfc1902

HASHES = {
    "none": "usmNoAuthProtocol",
    "MD5": "usmHMACMD5AuthProtocol",
    "SHA": "usmHMACSHAAuthProtocol",
    "SHA-224": "usmHMAC128SHA224AuthProtocol",
    "SHA-256": "usmHMAC192SHA256AuthProtocol",
    "SHA-384": "usmHMAC256SHA384AuthProtocol",
    "SHA-512": "usmHMAC384SHA512AuthProtocol",
}
CIPHERS = {
    "none": "usmNoPrivProtocol",
    "DES": "usmDESPrivProtocol",
    "AES": "usmAesCfb128Protocol",
    "AES-192": "usmAesBlumenthalCfb192Protocol",
    "AES-256": "usmAesBlumenthalCfb256Protocol",
    "AES-192-C": "usmAesCfb192Protocol",
    "AES-256-C": "usmAesCfb256Protocol",
}


def protocols(user):
    """The hash and the cipher of a user, as pysnmp has them; a LookupError where it has not."""
    found = []
    for names, name in ((HASHES, user["hash"]), (CIPHERS, user["cipher"])):
        if not hasattr(hlapi, names.get(name, "")):
            raise LookupError(name)
        found.append(getattr(hlapi, names[name]))
    return found


def say(**line):
    print(json.dumps(line), flush=True)


def ask(address, port):
    target = hlapi.UdpTransportTarget((address, int(port)), timeout=30, retries=0)

    def variables(snmp, user, verb, name, *value, auth=None, priv=None, who=None):
        auth_protocol, priv_protocol = protocols(user)
        data = hlapi.UsmUserData(
            who or user["name"],
            user["auth"] and (auth or user["auth"]) or None,
            user["priv"] and (priv or user["priv"]) or None,
            authProtocol=auth_protocol, privProtocol=priv_protocol)
        object_type = hlapi.ObjectType(hlapi.ObjectIdentity(name), *value)
        options = {"lexicographicMode": False, "lookupMib": False}
        numbers = (0, 7) if verb is hlapi.bulkCmd else ()
        found = []
        for failure, status, index, bindings in verb(
                snmp, data, target, hlapi.ContextData(), *numbers, object_type, **options):
            if failure or status:
                return str(failure or status.prettyPrint())
            found += [[str(n), v.prettyPrint()] for n, v in bindings]
        return found

    for user in json.load(sys.stdin):
        try:
            protocols(user)
        except LookupError as missing:
            say(name=user["name"], lacks=str(missing))
            continue
        snmp = hlapi.SnmpEngine()
        answer = {
            "get": variables(snmp, user, hlapi.getCmd, user["get"]),
            "walk": variables(snmp, user, hlapi.bulkCmd, user["walk"]),
            "set": variables(snmp, user, hlapi.setCmd, user["set"], rfc1902.OctetString(user["value"])),
            "unknown": variables(hlapi.SnmpEngine(), user, hlapi.getCmd, user["get"], who="nobody"),
        }
        if user["auth"]:
            answer["wrongAuth"] = variables(hlapi.SnmpEngine(), user, hlapi.getCmd, user["get"], auth="of somebody else")
        if user["priv"]:
            answer["wrongPriv"] = variables(hlapi.SnmpEngine(), user, hlapi.getCmd, user["get"], priv="of somebody else")
        say(name=user["name"], **answer)


def receive(address, port, of):
    snmp = engine.SnmpEngine()
    config.addTransport(snmp, udp.domainName, udp.UdpTransport().openServerMode((address, int(port))))
    lacked = {}
    for user in json.load(sys.stdin):
        try:
            auth_protocol, priv_protocol = protocols(user)
        except LookupError as missing:
            lacked[user["name"]] = str(missing)
            continue
        for engine_id in None, rfc1902.OctetString(hexValue=of):
            config.addV3User(
                snmp, user["name"], auth_protocol, user["auth"] or None, priv_protocol, user["priv"] or None,
                **({"securityEngineId": engine_id} if engine_id else {}))
    said = {}

    def note(*arguments):
        said.update(arguments[2])

    def received(snmp, reference, engine_id, context, bindings, _):
        pdu = said["pdu"].__class__.__name__
        say(name=str(said["securityName"]), pdu=pdu, variables=[[str(n), v.prettyPrint()] for n, v in bindings])

    snmp.observer.registerObserver(note, "rfc3412.receiveMessage:request")
    ntfrcv.NotificationReceiver(snmp, received)
    snmp.transportDispatcher.jobStarted(1)
    say(listening=True, lacks=lacked)
    snmp.transportDispatcher.runDispatcher()


{"ask": ask, "receive": receive}[sys.argv[1]](*sys.argv[2:])
