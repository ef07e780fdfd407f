import Glibc

/// The file of a trace, and what happens when it is full. For the writer's thread.
struct TraceOutput {
  private var file: CInt
  private let path: String
  private let limit: Int
  private var written = 0

  /// - Parameter file: from `create`.
  init(file: CInt, path: String, limit: Int) {
    self.file = file
    self.path = path
    self.limit = limit
  }

  func close() { Glibc.close(file) }

  /// Creates the file with its start blocks.
  static func create(_ path: String) throws(RxTransportError) -> CInt {
    let file = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .system("creating \(path)", errno) }
    var start: [UInt8] = []
    PcapngWriter.appendStart(to: &start)
    guard write(start[...], to: file) else {
      let failure = errno
      Glibc.close(file)
      throw .system("writing \(path)", failure)
    }
    return file
  }

  /// Writes whole blocks, as many into one file as it may hold.
  /// - Returns: false when something was lost.
  mutating func append(_ blocks: [UInt8]) -> Bool {
    var rest = blocks[...]
    var isComplete = true
    while !rest.isEmpty {
      let room = limit - written
      let count = PcapngWriter.blocksByteCount(rest, atMost: room)
      if count == 0, written > 0, rename(path, path + ".1") == 0, let next = try? Self.create(path) {
        close()
        (file, written) = (next, 0)
        continue
      }
      let taken = rest.prefix(count == 0 ? rest.count : count)
      isComplete = Self.write(taken, to: file) && isComplete
      written += taken.count
      rest = rest.dropFirst(taken.count)
    }
    return isComplete
  }

  /// - Returns: false when not all could be written.
  private static func write(_ bytes: ArraySlice<UInt8>, to file: CInt) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Glibc.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
      }
      return true
    }
  }
}
