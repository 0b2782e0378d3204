"""Reads envelopes from a file, a line each, in the eyes of programs that are not relhook: the DSSE of
securesystemslib, the messages of in-toto-attestation. Prints what they hold."""

import json
import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

SUMMARY = "https://slsa.dev/verification_summary/v1"


def main():
    with open(sys.argv[1], "rb") as pem:
        public = load_pem_public_key(pem.read())
    with open(sys.argv[2]) as lines:
        envelopes = [json.loads(line) for line in lines]
    for one in envelopes:
        keyid = one["signatures"][0]["keyid"]
        key = SSlibKey.from_crypto(public, keyid=keyid)
        envelope = Envelope.from_dict(one)
        envelope.verify([key], 1)
        assert envelope.payload_type == "application/vnd.in-toto+json"
        said = json.loads(envelope.payload)
        # What is not in the message definitions is an error.
        message = ParseDict(said, statement_pb2.Statement())
        statement = Statement.copy_from_pb(message)
        statement.validate()
        if said["predicateType"] == SUMMARY:
            predicate = dict(said["predicate"])
            # These messages take the levels for one text; the specification has a list of them.
            [level] = predicate["verifiedLevels"]
            predicate["verifiedLevels"] = level
            summary = ParseDict(predicate, vsa_pb2.VerificationSummary())
            assert summary.verification_result == "PASSED"
            assert summary.time_verified.ToSeconds() > 0
        print(json.dumps(said))


main()
