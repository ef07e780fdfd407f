/// What rxperf's service does for a call (OpenAFS src/tools/rxperf/rxperf.c, RX_PERF_*).
enum PerfOperation: String, CaseIterable, Sendable {
  /// The client sends bytes.
  case send
  /// The client receives bytes.
  case recv
  /// The client sends some bytes and receives some.
  case rpc
  /// The client sends and receives as a list of lengths says.
  case file

  var wireValue: UInt32 {
    switch self {
    case .send: 0
    case .recv: 1
    case .rpc: 3
    case .file: 4
    }
  }

  init?(wireValue: UInt32) {
    guard let operation = Self.allCases.first(where: { $0.wireValue == wireValue }) else { return nil }
    self = operation
  }
}

/// The start of a call to rxperf's service: words in network order, then the client's data.
///
/// ```
/// version 3, operation, the server's read size, its write size, then
///   send: bytes that follow     recv: bytes wanted     rpc: bytes that follow, bytes wanted
///   file: number of entries, that many words: lengths in units of four bytes, 0 changes the direction
/// ```
/// After its data, but not for `file`, the server sends `cookie`.
struct PerfRequest: Hashable, Sendable {
  /// OpenAFS rxperf.c, RX_SERVER_ID.
  static let service: UInt16 = 147
  /// OpenAFS rxperf.c, DEFAULT_PORT: tcpdump dissects it.
  static let port: UInt16 = 7009
  /// OpenAFS rxperf.c, RX_PERF_VERSION.
  static let version: UInt32 = 3
  /// OpenAFS rxperf.c, RXPERF_MAGIC_COOKIE.
  static let cookie: UInt32 = 0x4711
  /// The largest piece in which OpenAFS's server reads and writes (RXPERF_BUFSIZE): it refuses greater sizes.
  static let pieceMax = 512 * 1024
  /// Words of a request up to and with the first that depends on the operation.
  static let fixedWords = 5
  /// Entries of a `file` list at most. OpenAFS has no limit and allocates what it is told.
  static let entriesMax = 1 << 20

  var operation: PerfOperation
  var readSize = pieceMax
  var writeSize = pieceMax
  /// Bytes that the client sends.
  var sendBytes = 0
  /// Bytes that it receives before the cookie.
  var receiveBytes = 0
  /// The list of a `file` call.
  var entries: [UInt32] = []

  /// Lengths of what the client sends, each of which begins the pattern anew.
  var sends: [Int] {
    guard operation == .file else { return [sendBytes] }
    return entries.prefix { $0 != 0 }.map { Int($0) * 4 }
  }

  /// Lengths of what it receives, likewise.
  var receives: [Int] {
    guard operation == .file else { return [receiveBytes] }
    return entries.drop { $0 != 0 }.dropFirst().map { Int($0) * 4 }
  }

  /// The request's words as bytes.
  var encoded: [UInt8] {
    var words = [Self.version, operation.wireValue, UInt32(readSize), UInt32(writeSize)]
    switch operation {
    case .send: words.append(UInt32(sendBytes))
    case .recv: words.append(UInt32(receiveBytes))
    case .rpc: words += [UInt32(sendBytes), UInt32(receiveBytes)]
    case .file: words += [UInt32(entries.count)] + entries
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(words.count * 4)
    for word in words { withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) } }
    return bytes
  }

  /// Whether the server ends its reply with the cookie.
  var hasCookie: Bool { operation != .file }

  /// Reads the first `fixedWords` words; lists and a second length are still to be read.
  init(fixed bytes: UnsafeRawBufferPointer) throws(PerfError) {
    guard bytes.count == Self.fixedWords * 4 else { throw .malformed("the request ends early") }
    let words = (
      Self.word(bytes, 0), Self.word(bytes, 1), Self.word(bytes, 2), Self.word(bytes, 3), Self.word(bytes, 4)
    )
    guard words.0 == Self.version else { throw .malformed("version \(words.0), expected \(Self.version)") }
    guard let operation = PerfOperation(wireValue: words.1) else { throw .unknownOperation(words.1) }
    guard words.2 <= Self.pieceMax, words.3 <= Self.pieceMax, words.2 > 0, words.3 > 0 else {
      throw .malformed("pieces of \(words.2) and \(words.3) bytes, at most \(Self.pieceMax) are allowed")
    }
    self.operation = operation
    readSize = Int(words.2)
    writeSize = Int(words.3)
    // Lengths are signed in the C sources; negative ones transfer nothing there.
    guard words.4 <= Int32.max else { throw .malformed("a length of \(words.4)") }
    switch operation {
    case .send, .rpc: sendBytes = Int(words.4)
    case .recv: receiveBytes = Int(words.4)
    case .file:
      guard words.4 <= Self.entriesMax else { throw .malformed("a list of \(words.4) entries") }
      entries = Array(repeating: 0, count: Int(words.4))
    }
  }

  init(
    _ operation: PerfOperation, sendBytes: Int = 0, receiveBytes: Int = 0, readSize: Int = pieceMax,
    writeSize: Int = pieceMax
  ) {
    self.operation = operation
    self.sendBytes = sendBytes
    self.receiveBytes = receiveBytes
    self.readSize = readSize
    self.writeSize = writeSize
  }

  /// A `file` call. Rx calls change their direction once: client to server, then back.
  init(entries: [UInt32], readSize: Int = pieceMax, writeSize: Int = pieceMax) throws(PerfError) {
    self.init(.file, readSize: readSize, writeSize: writeSize)
    try adopt(entries: entries)
  }

  /// Takes a list of lengths, and sums them up.
  mutating func adopt(entries: [UInt32]) throws(PerfError) {
    guard entries.count <= Self.entriesMax else { throw .malformed("a list of \(entries.count) entries") }
    self.entries = entries
    var hasTurned = false
    for entry in entries {
      if entry == 0 {
        guard !hasTurned else { throw .malformed("the list changes the direction twice, which Rx calls cannot") }
        hasTurned = true
      } else if hasTurned {
        receiveBytes += Int(entry) * 4
      } else {
        sendBytes += Int(entry) * 4
      }
    }
  }

  static func words(_ bytes: [UInt8]) -> [UInt32] {
    bytes.withUnsafeBytes { raw in (0..<raw.count / 4).map { word(raw, $0) } }
  }

  static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt32 {
    UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
  }
}

/// What is wrong with a request, a list or received data.
enum PerfError: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed(String)
  case unknownOperation(UInt32)
  /// Data is not the pattern from this byte on.
  case corrupt(offset: Int)
  case wrongCookie(UInt32)
  /// The reply ended early.
  case short(Int, of: Int)

  var description: String {
    switch self {
    case .malformed(let text): text
    case .unknownOperation(let value): "operation \(value) is unknown"
    case .corrupt(let offset): "the data is not what was sent, from byte \(offset) on"
    case .wrongCookie(let value): "the reply ends with \(value) instead of \(PerfRequest.cookie)"
    case .short(let count, let wanted): "the data ended after \(count) of \(wanted) bytes"
    }
  }
}
