/// A directory as a server sends it, checked once when it is made: lookups and listings cannot fail afterwards.
package struct DirectoryObject: Sendable {
  package struct Entry: Sendable, Hashable {
    package var name: [UInt8]
    package var vnode: UInt64
    package var unique: UInt32
    /// The blob where the entry begins: its place in a listing, stable while the entry lives.
    package var blob: Int
  }

  /// What makes an object unusable.
  package enum Damage: Error, Hashable, Sendable {
    /// The size is no multiple of a page, or zero, or above the format's limit.
    case size(Int)
    case pageTag(page: Int)
    /// A chain names a blob outside of the object or inside of a header.
    case outside(blob: Int)
    /// A blob belongs to two entries, or a chain loops.
    case shared(blob: Int)
    /// An entry that is not in use, has no name, or whose name does not end or contains a slash.
    case entry(blob: Int)
    /// An entry in a chain where its name does not belong.
    case wrongChain(blob: Int)
  }

  /// The object itself; edited copies stay valid.
  package private(set) var bytes: [UInt8]
  package internal(set) var entryCount: Int

  /// - Throws: the first damage found.
  package init(_ bytes: [UInt8]) throws(Damage) {
    self.bytes = bytes
    entryCount = 0
    entryCount = try check()
  }

  package var pageCount: Int { bytes.count / DirectoryFormat.pageSize }

  // MARK: Reading

  func word16(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }

  func word32(_ offset: Int) -> UInt32 {
    UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16 | UInt32(bytes[offset + 2]) << 8
      | UInt32(bytes[offset + 3])
  }

  func chainHead(_ chain: Int) -> Int { word16(DirectoryFormat.chainHeads + 2 * chain) }

  func next(after blob: Int) -> Int { word16(blob * DirectoryFormat.blobSize + 2) }

  func isUsed(_ blob: Int) -> Bool {
    let page = blob / DirectoryFormat.blobsPerPage
    let inPage = blob % DirectoryFormat.blobsPerPage
    return bytes[page * DirectoryFormat.pageSize + 5 + inPage >> 3] >> UInt8(inPage & 7) & 1 == 1
  }

  func nameLength(at blob: Int) -> Int {
    let start = blob * DirectoryFormat.blobSize + 12
    var end = start
    while bytes[end] != 0 { end += 1 }
    return end - start
  }

  func entry(at blob: Int) -> Entry {
    let start = blob * DirectoryFormat.blobSize
    let name = Array(bytes[start + 12..<start + 12 + nameLength(at: blob)])
    return Entry(name: name, vnode: UInt64(word32(start + 4)), unique: word32(start + 8), blob: blob)
  }

  private func hasName(_ name: [UInt8], at blob: Int) -> Bool {
    let start = blob * DirectoryFormat.blobSize + 12
    for index in 0..<name.count where bytes[start + index] != name[index] { return false }
    return bytes[start + name.count] == 0
  }

  func blob(named name: [UInt8]) -> Int? {
    guard name.count <= DirectoryFormat.nameLengthMax, !name.isEmpty else { return nil }
    var blob = chainHead(DirectoryFormat.chain(of: name))
    while blob != 0 {
      if hasName(name, at: blob) { return blob }
      blob = next(after: blob)
    }
    return nil
  }

  /// The file that a name means.
  package func lookup(_ name: [UInt8]) -> Entry? {
    blob(named: name).map(entry(at:))
  }

  /// All entries, `.` and `..` among them, in the order of their blobs.
  package var entries: [Entry] {
    var blobs: [Int] = []
    blobs.reserveCapacity(entryCount)
    for chain in 0..<DirectoryFormat.hashChains {
      var blob = chainHead(chain)
      while blob != 0 {
        blobs.append(blob)
        blob = next(after: blob)
      }
    }
    blobs.sort()
    return blobs.map(entry(at:))
  }

  // MARK: Checking

  private func check() throws(Damage) -> Int {
    let size = bytes.count
    guard size > 0, size % DirectoryFormat.pageSize == 0, pageCount <= DirectoryFormat.pagesMax else {
      throw .size(size)
    }
    for page in 0..<pageCount where word16(page * DirectoryFormat.pageSize + 2) != Int(DirectoryFormat.pageTag) {
      throw .pageTag(page: page)
    }
    var taken = [Bool](repeating: false, count: pageCount * DirectoryFormat.blobsPerPage)
    var count = 0
    for chain in 0..<DirectoryFormat.hashChains {
      var blob = chainHead(chain)
      while blob != 0 {
        try check(blob, chain, &taken)
        count += 1
        blob = next(after: blob)
      }
    }
    return count
  }

  private func check(_ blob: Int, _ chain: Int, _ taken: inout [Bool]) throws(Damage) {
    guard blob < taken.count else { throw .outside(blob: blob) }
    let inPage = blob % DirectoryFormat.blobsPerPage
    let firstFree = blob < DirectoryFormat.blobsPerPage ? DirectoryFormat.headerBlobs : 1
    guard inPage >= firstFree else { throw .outside(blob: blob) }
    let start = blob * DirectoryFormat.blobSize
    guard bytes[start] == DirectoryFormat.usedFlag else { throw .entry(blob: blob) }
    let pageEnd = (blob / DirectoryFormat.blobsPerPage + 1) * DirectoryFormat.pageSize
    let limit = min(pageEnd, start + 12 + DirectoryFormat.nameLengthMax + 1)
    var end = start + 12
    while end < limit, bytes[end] != 0 {
      if bytes[end] == UInt8(ascii: "/") { throw .entry(blob: blob) }
      end += 1
    }
    let length = end - start - 12
    guard end < limit, length > 0 else { throw .entry(blob: blob) }
    let blobs = DirectoryFormat.blobs(forName: length)
    guard inPage + blobs <= DirectoryFormat.blobsPerPage else { throw .entry(blob: blob) }
    for part in blob..<blob + blobs {
      if taken[part] { throw .shared(blob: blob) }
      taken[part] = true
    }
    guard DirectoryFormat.chain(of: Array(bytes[start + 12..<end])) == chain else { throw .wrongChain(blob: blob) }
  }

  // MARK: Writing, for the editor

  mutating func put16(_ value: Int, at offset: Int) {
    bytes[offset] = UInt8(truncatingIfNeeded: value >> 8)
    bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
  }

  mutating func put32(_ value: UInt32, at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)) }
  }

  mutating func put(_ value: UInt8, at offset: Int) { bytes[offset] = value }

  mutating func put(_ text: [UInt8], at offset: Int) { bytes.replaceSubrange(offset..<offset + text.count, with: text) }

  mutating func appendPage() {
    bytes += [UInt8](repeating: 0, count: DirectoryFormat.pageSize)
  }

  /// An object that needs no check: the editor's.
  init(unchecked bytes: [UInt8], entryCount: Int) {
    self.bytes = bytes
    self.entryCount = entryCount
  }
}
