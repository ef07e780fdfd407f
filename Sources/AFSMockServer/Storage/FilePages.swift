/// A file's bytes, sparse: pages of 64 KiB that were written, zeros elsewhere.
struct FilePages: Sendable {
  static let pageSize = 65_536

  private var pages: [UInt64: [UInt8]] = [:]
  private(set) var length: UInt64 = 0

  /// Bytes that the file occupies, for quotas.
  var occupied: UInt64 { UInt64(pages.count * Self.pageSize).clamped(to: 0...length) }

  init() {}

  init(_ bytes: [UInt8]) {
    write(bytes, at: 0)
  }

  /// The bytes from `offset`, at most `count`, none past the end.
  func read(at offset: UInt64, count: UInt64) -> [UInt8] {
    guard offset < length else { return [] }
    let end = offset + min(count, length - offset)
    var result: [UInt8] = []
    result.reserveCapacity(Int(end - offset))
    var position = offset
    while position < end {
      let start = Int(position % UInt64(Self.pageSize))
      let size = min(Self.pageSize - start, Int(end - position))
      if let page = pages[position / UInt64(Self.pageSize)] {
        result += page[start..<start + size]
      } else {
        result += [UInt8](repeating: 0, count: size)
      }
      position += UInt64(size)
    }
    return result
  }

  mutating func write(_ bytes: [UInt8], at offset: UInt64) {
    var done = 0
    while done < bytes.count {
      let position = offset + UInt64(done)
      let start = Int(position % UInt64(Self.pageSize))
      let size = min(Self.pageSize - start, bytes.count - done)
      let index = position / UInt64(Self.pageSize)
      pages[index, default: [UInt8](repeating: 0, count: Self.pageSize)]
        .replaceSubrange(start..<start + size, with: bytes[done..<done + size])
      done += size
    }
    length = max(length, offset + UInt64(bytes.count))
  }

  mutating func truncate(to newLength: UInt64) {
    if newLength < length {
      let size = UInt64(Self.pageSize)
      let lastPage = newLength / size
      pages = pages.filter { $0.key < lastPage || ($0.key == lastPage && newLength % size != 0) }
      let keep = Int(newLength % size)
      if keep != 0, let page = pages[lastPage] {
        pages[lastPage] = [UInt8](page[..<keep]) + [UInt8](repeating: 0, count: Self.pageSize - keep)
      }
    }
    length = newLength
  }
}

extension Comparable {
  func clamped(to range: ClosedRange<Self>) -> Self { min(max(self, range.lowerBound), range.upperBound) }
}
