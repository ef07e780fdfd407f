import Glibc
package import SystemPackage

/// A part of a file that is being sent or received, and how far that has come. On the loop only.
///
/// Batches of packets are read and written by one preadv(2) or pwritev(2) each. The file must be a regular one: the
/// loop's thread waits for the disk.
package struct FileRange {
  package let file: FileDescriptor
  package private(set) var offset: Int64
  package private(set) var remaining: Int
  /// The file's own trouble, found by the last batch.
  package private(set) var failure: RxFileError?

  package init(_ file: FileDescriptor, offset: Int64, count: Int) {
    precondition(count >= 0 && offset >= 0)
    self.file = file
    self.offset = offset
    remaining = count
  }

  /// How much of the file the kernel is asked to read ahead of a send.
  private static let readAheadBytes = 4 << 20

  /// What will be sent may still be on the disk: the kernel may begin.
  package func prefetch() {
    _ = posix_fadvise(file.rawValue, off_t(offset), off_t(min(remaining, Self.readAheadBytes)), POSIX_FADV_WILLNEED)
  }

  /// Fills the places from the file.
  /// - Returns: bytes read; 0 with `failure` set.
  package mutating func read(into places: UnsafeBufferPointer<UnsafeMutableRawBufferPointer>) -> Int {
    let count = Self.withVectors(places.count, { iovec(iov_base: places[$0].baseAddress, iov_len: places[$0].count) }) {
      vectors in
      Self.retrying { preadv(file.rawValue, vectors, CInt(places.count), off_t(offset)) }
    }
    if count == 0 { failure = .shortFile(offset: offset) }
    return advance(count)
  }

  /// Writes the pieces to the file.
  /// - Returns: bytes written; 0 with `failure` set.
  package mutating func write(_ pieces: UnsafeBufferPointer<UnsafeRawBufferPointer>) -> Int {
    let count = Self.withVectors(
      pieces.count,
      { iovec(iov_base: UnsafeMutableRawPointer(mutating: pieces[$0].baseAddress), iov_len: pieces[$0].count) }
    ) { vectors in
      Self.retrying { pwritev(file.rawValue, vectors, CInt(pieces.count), off_t(offset)) }
    }
    // Without this a file that takes nothing and gives no reason would be tried for ever.
    if count == 0 { failure = .file(errno: EIO, offset: offset) }
    return advance(count)
  }

  private mutating func advance(_ count: Int) -> Int {
    guard count >= 0 else {
      failure = .file(errno: errno, offset: offset)
      return 0
    }
    offset += Int64(count)
    remaining -= count
    return count
  }

  /// Bytes that nobody wants count as moved.
  package mutating func skip(_ count: Int) {
    offset += Int64(count)
    remaining -= count
  }

  private static func withVectors(
    _ count: Int, _ vector: (Int) -> iovec, _ body: (UnsafePointer<iovec>) -> Int
  ) -> Int {
    withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { vectors in
      for index in 0..<count { vectors.initializeElement(at: index, to: vector(index)) }
      return body(vectors.baseAddress!)
    }
  }

  static func retrying(_ body: () -> Int) -> Int {
    while true {
      let result = body()
      if result >= 0 || errno != EINTR { return result }
    }
  }

  /// Writes all of `bytes`.
  static func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileDescriptor, _ offset: Int64
  ) throws(RxFileError) {
    var done = 0
    while done < bytes.count {
      let count = retrying {
        pwrite(file.rawValue, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + done)
      }
      guard count > 0 else { throw .file(errno: count == 0 ? EIO : errno, offset: offset + Int64(done)) }
      done += count
    }
  }
}
