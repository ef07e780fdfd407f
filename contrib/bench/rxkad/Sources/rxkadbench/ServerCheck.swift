import AFSBase
import AFSTypes
import Glibc
import RxCore
import RxSecurity
import RxTransport

/// Asks a real fileserver for a file's status with a token at each level, and without one.
///
/// Ends with status 1 unless every level gives the same status and a forged token is refused.
struct ServerCheck {
  struct Failure: Error { let text: String }

  let server: RxAddress
  let fid: [UInt32]
  let credential: RxkadCredential

  /// The token file has three lines: encryption type, session key and ticket, both in hexadecimal.
  init(_ arguments: [String]) throws {
    guard arguments.count == 5, let text = Self.read(arguments[4]) else { throw Failure(text: "bad arguments") }
    var address = in_addr()
    guard inet_pton(AF_INET, arguments[0], &address) == 1 else { throw Failure(text: "no IPv4 address") }
    server = RxAddress(ipv4: UInt32(bigEndian: address.s_addr), port: 7000)
    fid = arguments[1...3].compactMap { UInt32($0) }
    let lines = text.split(separator: "\n")
    guard lines.count == 3, let enctype = Int32(lines[0]), fid.count == 3 else { throw Failure(text: "no token") }
    credential = RxkadCredential(
      keyVersion: RxkadCredential.kerberos5,
      sessionKey: try RxkadKeyDerivation.sessionKey(enctype: enctype, key: SecretBytes(Self.bytes(lines[1]))),
      ticket: SecretBytes(Self.bytes(lines[2])))
  }

  static func read(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  static func bytes(_ hexadecimal: Substring) -> [UInt8] {
    let digits = hexadecimal.compactMap { $0.hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  static let clock: @Sendable () -> WallTime = { WallTime(seconds: Int64(time(nil))) }

  func run() async throws {
    let transport = try RxTransport()
    transport.register(CallbackService())
    var statuses: [String: [UInt8]] = [:]
    for level in RxkadLevel.allCases {
      let security = try RxkadClientSecurity(credential, level: level, clock: Self.clock)
      let reference = transport.register(security)
      for _ in 0..<3 { statuses["\(level)"] = try await fetchStatus(transport, reference) }
      print(
        "\(level): FetchStatus gives \(statuses["\(level)"]!.count) bytes, caller access \(access(statuses["\(level)"]!))"
      )
      try await fetchData(transport, reference, "\(level)")
    }
    print("anonymous: \(try await outcome(transport, .none))")
    var forged = credential
    forged.sessionKey = SecretBytes([1, 2, 4, 7, 8, 11, 13, 14])
    let bad = transport.register(try RxkadClientSecurity(forged, level: .crypt, clock: Self.clock))
    let answer = try await outcome(transport, bad)
    print("another session key: \(answer)")
    await transport.shutDown()
    guard Set(statuses.values.map { Array($0[..<84]) }).count == 1, answer.contains("abort") else {
      throw Failure(text: "the levels differ, or a forged token was taken")
    }
    print("rxkad check: passed")
  }

  private func words(_ words: [UInt32]) -> [UInt8] {
    words.flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
  }

  /// RXAFS_FetchStatus is 132, RXAFS_FetchData 130 (OpenAFS src/fsint/afsint.xg).
  private func fetchStatus(
    _ transport: RxTransport, _ reference: RxClientSecurityReference
  ) async throws -> [UInt8] {
    try await transport.roundTrip(
      words([132] + fid), to: RxTarget(peer: server, service: ServiceID(1), security: reference),
      options: RxCallOptions(), replyMax: 1000)
  }

  private func outcome(_ transport: RxTransport, _ reference: RxClientSecurityReference) async throws -> String {
    do {
      return "caller access \(access(try await fetchStatus(transport, reference)))"
    } catch let error as RxCallError {
      return "\(error)"
    }
  }

  private func access(_ status: [UInt8]) -> UInt32 {
    status[28..<32].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads up to 64 MiB of the file, if it is one.
  private func fetchData(_ transport: RxTransport, _ reference: RxClientSecurityReference, _ name: String) async throws
  {
    let stream = try await transport.startCall(
      to: RxTarget(peer: server, service: ServiceID(1), security: reference), options: RxCallOptions())
    try await stream.send(words([130] + fid + [0, 64 << 20]), last: true)
    var start = timespec()
    clock_gettime(CLOCK_MONOTONIC, &start)
    let head = try await stream.receive(count: 4)
    guard head.count == 4 else { return }
    let length = Int(head.reduce(0) { $0 << 8 | UInt32($1) })
    var sum: UInt64 = 0
    var left = length
    while left > 0 {
      let bytes = try await stream.receive(count: min(left, 1 << 20))
      guard !bytes.isEmpty else { throw Failure(text: "data ends early") }
      for byte in bytes { sum = sum &* 31 &+ UInt64(byte) }
      left -= bytes.count
    }
    _ = try await stream.receive(count: 120)
    try await stream.finish()
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &end)
    let seconds = Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
    print(
      "\(name): FetchData gives \(length) bytes, sum \(String(sum, radix: 16)), \(Int(Double(length) / seconds / 1e6)) MB/s"
    )
  }
}
