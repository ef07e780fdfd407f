/// One thing that is fuzzed: takes any bytes and must not trap. libFuzzer calls it from contrib/fuzz, `FuzzTests` with
/// the kept corpus and with the inputs that once failed.
struct FuzzEntry: Sendable {
  /// The name of its folders in contrib/fuzz/corpus and contrib/fuzz/FailCases.
  let name: String
  let run: @Sendable (UnsafeRawBufferPointer) -> Void

  /// To add one, write its function in a file of this folder and name it here.
  static let all: [FuzzEntry] = [
    FuzzEntry(name: "header", run: fuzzHeader),
    FuzzEntry(name: "ack", run: fuzzAck),
    FuzzEntry(name: "jumbo", run: fuzzJumbo),
    FuzzEntry(name: "endpoint", run: fuzzEndpoint),
    FuzzEntry(name: "rxkad-challenge", run: fuzzRxkadChallenge),
    FuzzEntry(name: "rxkad-response", run: fuzzRxkadResponse),
    FuzzEntry(name: "rxkad-ticket", run: fuzzRxkadTicket),
    FuzzEntry(name: "rxkad-packet", run: fuzzRxkadPacket),
    FuzzEntry(name: "keyring", run: fuzzKeyring),
  ]
}
