/// A file's bytes with a page for each written part: sizes of gigabytes cost nothing.
struct SparseBytes: Equatable {
  private static let page: UInt64 = 4096
  private var pages: [UInt64: [UInt8]] = [:]
  private(set) var count: UInt64 = 0

  init() {}

  init(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { write($0, at: 0) }
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
    var done = 0
    while done < bytes.count {
      let position = offset + UInt64(done)
      let start = Int(position % Self.page)
      let part = min(Int(Self.page) - start, bytes.count - done)
      var page = pages.removeValue(forKey: position / Self.page) ?? [UInt8](repeating: 0, count: Int(Self.page))
      page.replaceSubrange(start..<start + part, with: bytes[done..<done + part])
      pages[position / Self.page] = page
      done += part
    }
    count = max(count, offset + UInt64(bytes.count))
  }

  mutating func resize(to size: UInt64) {
    if size < count {
      for (number, page) in pages where (number + 1) * Self.page > size {
        let kept = number * Self.page < size ? Int(size - number * Self.page) : 0
        pages[number] = kept == 0 ? nil : page[..<kept] + [UInt8](repeating: 0, count: Int(Self.page) - kept)
      }
    }
    count = size
  }

  /// The bytes of a range, cut at the end.
  subscript(range: Range<UInt64>) -> [UInt8] {
    let end = min(range.upperBound, count)
    guard range.lowerBound < end else { return [] }
    var result: [UInt8] = []
    result.reserveCapacity(Int(end - range.lowerBound))
    var position = range.lowerBound
    while position < end {
      let start = Int(position % Self.page)
      let part = min(Int(Self.page) - start, Int(end - position))
      if let page = pages[position / Self.page] {
        result += page[start..<start + part]
      } else {
        result += repeatElement(0, count: part)
      }
      position += UInt64(part)
    }
    return result
  }

  var bytes: [UInt8] { self[0..<count] }

  static func == (a: SparseBytes, b: SparseBytes) -> Bool {
    a.count == b.count
      && Set(a.pages.keys).union(b.pages.keys).allSatisfy { number in
        a[number * page..<(number + 1) * page] == b[number * page..<(number + 1) * page]
      }
  }
}
