import Glibc

/// Secret bytes (a session key, a ticket, a server's key) in memory pages of their own: kept out of swap and core dumps
/// where the system allows it, unmapped and wiped at the end of their life, and never printed.
///
/// A reference to it is shared, never the bytes; whoever copies them out wipes the copy.
public final class SecretBytes: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  public let count: Int
  // Written in `init` only.
  private nonisolated(unsafe) let pages: UnsafeMutableRawBufferPointer

  /// - Parameter fill: writes the secret into `count` bytes, which are zero before.
  public init(count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
    self.count = count
    pages = Self.map(byteCount: count)
    fill(UnsafeMutableRawBufferPointer(rebasing: pages[..<count]))
  }

  public convenience init(_ bytes: UnsafeRawBufferPointer) {
    self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
  }

  public convenience init(_ bytes: [UInt8]) {
    self.init(bytes[...])
  }

  /// Of a slice itself: an array made of it first would be a copy that nobody wipes.
  public convenience init(_ bytes: ArraySlice<UInt8>) {
    self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
  }

  deinit {
    guard let start = pages.baseAddress else { return }
    explicit_bzero(start, pages.count)
    munmap(start, pages.count)
  }

  /// Lends the bytes; they must not leave `body`.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(rebasing: pages[..<count]))
  }

  private static func map(byteCount: Int) -> UnsafeMutableRawBufferPointer {
    let page = sysconf(Int32(_SC_PAGESIZE))
    let size = max((byteCount + page - 1) / page, 1) * page
    guard let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), start != MAP_FAILED
    else { fatalError("no memory for a secret of \(byteCount) bytes") }
    // Both may be refused (RLIMIT_MEMLOCK, old kernels): then the secret is as safe as the rest of our memory.
    mlock(start, size)
    madvise(start, size, MADV_DONTDUMP)
    return UnsafeMutableRawBufferPointer(start: start, count: size)
  }

  // MARK: Comparing

  /// Takes as long for any two secrets of one length.
  public static func == (a: SecretBytes, b: SecretBytes) -> Bool {
    a.withUnsafeBytes { a in b.withUnsafeBytes { b in ConstantTime.areEqual(a, b) } }
  }

  /// By length only, so that no hash tells of the bytes.
  public func hash(into hasher: inout Hasher) { hasher.combine(count) }

  // MARK: Printing

  public var description: String { "(secret)" }
  public var debugDescription: String { "(secret)" }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
