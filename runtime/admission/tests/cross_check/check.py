"""Compares this crate's formats with implementations that others wrote.

    check.py verify DIR   verifies what the Rust side left in DIR: envelopes with securesystemslib, statements with
                          in-toto-attestation, the log's proof and checkpoint with hashlib and cryptography
    check.py make DIR     leaves in DIR an envelope made with the same libraries, for the Rust side to verify

DIR holds: bundle.json, list.json, certifier-1.pem, certifier-2.pem, witness.pem, component.
"""

import base64
import hashlib
import json
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

IN_TOTO = "application/vnd.in-toto+json"
CERTIFICATE = "urn:berth:certificate:v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
REVOCATION_LIST = "urn:berth:revocation-list:v1"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def spki(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_key(path):
    return serialization.load_pem_public_key(path.read_bytes())


def trusted(path):
    """A key as securesystemslib has it, named as we name it: SHA-256 of its DER SubjectPublicKeyInfo."""
    key = read_key(path)
    return SSlibKey.from_crypto(key, keyid=hashlib.sha256(spki(key)).hexdigest())


def verify_envelope(data, keys, payload_type):
    envelope = Envelope.from_dict(json.loads(json.dumps(data)))
    assert envelope.payload_type == payload_type, envelope.payload_type
    accepted = envelope.verify(keys, 2)
    assert len(accepted) == 2
    for signature in envelope.signatures.values():
        r, s = utils.decode_dss_signature(bytes.fromhex(signature.signature))
        assert 0 < r < ORDER and 0 < s <= ORDER // 2, "s is in the upper half"
    # Theirs refuses what ours would refuse too.
    envelope.payload += b" "
    try:
        envelope.verify(keys, 2)
    except VerificationError:
        pass
    else:
        raise AssertionError("a changed payload was accepted")
    return base64.b64decode(data["payload"])


def verify_statement(payload, predicate_type, component):
    message = json_format.Parse(payload, statement_pb2.Statement())
    Statement.copy_from_pb(message).validate()
    assert message.predicate_type == predicate_type
    assert [dict(subject.digest) for subject in message.subject] == [
        {"sha256": hashlib.sha256(component).hexdigest()}
    ]
    return message


def verify_test_result(message):
    result = json_format.ParseDict(json_format.MessageToDict(message.predicate), test_result_pb2.TestResult())
    assert result.result in ("PASSED", "WARNED")
    assert result.passed_tests and not result.failed_tests
    for descriptor in result.configuration:
        ResourceDescriptor.copy_from_pb(descriptor).validate()
    assert {descriptor.name for descriptor in result.configuration} == {"suite", "evidence"}


def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def root_of_path(entry, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    assert index < size
    fn, sn, node = index, size - 1, leaf_hash(entry)
    for sibling in path:
        assert sn != 0
        if fn & 1 or fn == sn:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not fn & 1 and fn != 0:
                fn >>= 1
                sn >>= 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        fn >>= 1
        sn >>= 1
    assert sn == 0
    return node


def verify_log_proof(text, entry, witness):
    above, checkpoint = text.split("\n\n", 1)
    header, index, *path = above.split("\n")
    assert header == "c2sp.org/tlog-proof@v1"
    body, signatures = checkpoint.rsplit("\n\n", 1)
    body += "\n"
    _origin, size, root = body.splitlines()
    line = signatures.splitlines()[0]
    dash, _name, signature = line.split(" ")
    assert dash == "\u2014"
    signature = base64.b64decode(signature)
    assert signature[:4] == hashlib.sha256(spki(witness)).digest()[:4]
    witness.verify(signature[4:], body.encode(), ec.ECDSA(hashes.SHA256()))
    try:
        witness.verify(signature[4:], body.replace("\n", "\n ", 1).encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        pass
    else:
        raise AssertionError("a changed checkpoint was accepted")
    path = [base64.b64decode(hash_) for hash_ in path]
    index = int(index.removeprefix("index "))
    assert root_of_path(entry, index, int(size), path) == base64.b64decode(root)
    assert root_of_path(entry + b" ", index, int(size), path) != base64.b64decode(root)


def verify(folder):
    keys = [trusted(folder / f"certifier-{number}.pem") for number in (1, 2)]
    component = (folder / "component").read_bytes()
    bundle = json.loads((folder / "bundle.json").read_text())

    certificate = verify_envelope(bundle["certificate"], keys, IN_TOTO)
    verify_statement(certificate, CERTIFICATE, component)
    evidence = verify_envelope(bundle["evidence"], keys, IN_TOTO)
    verify_test_result(verify_statement(evidence, TEST_RESULT, component))
    named = json.loads(certificate)["predicate"]["evidence"]["statement"]["sha256"]
    assert named == hashlib.sha256(evidence).hexdigest()

    list_ = verify_envelope(json.loads((folder / "list.json").read_text()), keys, REVOCATION_LIST)
    assert json.loads(list_)["number"] == 7

    # The log's entry: the envelope without white space, its fields in one order.
    entry = json.dumps(bundle["certificate"], separators=(",", ":")).encode()
    verify_log_proof(bundle["logProof"], entry, read_key(folder / "witness.pem"))


def lower(signature):
    """pyca/cryptography makes either spelling of a signature; we take the one with s in the lower half."""
    r, s = utils.decode_dss_signature(bytes.fromhex(signature.signature))
    der = utils.encode_dss_signature(r, min(s, ORDER - s))
    return Signature(signature.keyid, der.hex())


def make(folder):
    component = (folder / "component").read_bytes()
    subject = ResourceDescriptor(name="notebook", digest={"sha256": hashlib.sha256(component).hexdigest()})
    suite = ResourceDescriptor(name="suite", digest={"sha256": hashlib.sha256(b"suite").hexdigest()})
    recording = ResourceDescriptor(name="evidence", digest={"sha256": hashlib.sha256(b"recording").hexdigest()})
    result = test_result_pb2.TestResult(
        result="PASSED", configuration=[suite.pb, recording.pb], passed_tests=["DESC-1", "DESC-2", "DESC-3"]
    )
    statement = Statement([subject.pb], TEST_RESULT, json_format.MessageToDict(result))
    statement.validate()
    envelope = Envelope(json_format.MessageToJson(statement.pb).encode(), IN_TOTO, {})
    for number in (1, 2):
        private = ec.generate_private_key(ec.SECP256R1())
        public = private.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        (folder / f"theirs-{number}.pem").write_bytes(pem)
        # Named as the library names keys, not as we do: a name is a hint.
        envelope.sign(CryptoSigner(private, SSlibKey.from_crypto(public)))
    (folder / "theirs-as-made.json").write_text(json.dumps(envelope.to_dict()))
    envelope.signatures = {keyid: lower(one) for keyid, one in envelope.signatures.items()}
    (folder / "theirs.json").write_text(json.dumps(envelope.to_dict()))


if __name__ == "__main__":
    {"verify": verify, "make": make}[sys.argv[1]](pathlib.Path(sys.argv[2]))
    print("ok")
