import AFSTypes

/// A directory's names, and the access list that counts for it and its files.
///
/// The mock lays its directory objects out by itself and shares no code with the client which reads them: a mistake
/// in either shows. Format: OpenAFS src/dir/dir.h.
struct StoredDirectory: Sendable {
  struct Entry: Sendable, Hashable {
    var vnode: UInt64
    var unique: UInt32
    /// Where the entry begins, in blobs of 32 bytes from the object's start.
    fileprivate var blob = 0
    fileprivate var blobCount = 0

    init(vnode: UInt64, unique: UInt32) {
      self.vnode = vnode
      self.unique = unique
    }
  }

  static let blobSize = 32
  static let blobsPerPage = 64
  static let pageSize = 2048
  static let pagesMax = 1023
  /// Blobs of the object's header in its first page: the page header, 128 bytes of allocation map, 128 hash chains.
  static let headerBlobs = 13
  static let nameLengthMax = 255
  private static let hashChains = 128

  var accessList: AccessList
  private var names: [[UInt8]: Entry] = [:]
  /// A bit for every used blob, a word for every page.
  private var used: [UInt64] = []

  init(accessList: AccessList) {
    self.accessList = accessList
  }

  /// Gives a new directory its `.` and `..`.
  mutating func begin(own: (UInt64, UInt32), parent: (UInt64, UInt32)) {
    names = [:]
    used = []
    try? insert(Array(".".utf8), vnode: own.0, unique: own.1)
    try? insert(Array("..".utf8), vnode: parent.0, unique: parent.1)
  }

  var byteCount: Int { used.count * Self.pageSize }
  var isEmpty: Bool { names.count <= 2 }

  /// Without `.` and `..`.
  var sortedNames: [[UInt8]] {
    names.keys.filter { $0 != Array(".".utf8) && $0 != Array("..".utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
  }

  func lookup(_ name: [UInt8]) -> Entry? { names[name] }

  mutating func insert(_ name: [UInt8], vnode: UInt64, unique: UInt32) throws(StorageError) {
    guard !name.isEmpty, !name.contains(UInt8(ascii: "/")), !name.contains(0) else { throw .invalid }
    guard name.count <= Self.nameLengthMax else { throw .nameTooLong }
    // The name with its NUL: 16 bytes fit beside the entry's head, each further blob has 32.
    let count = 1 + (name.count + 1 + 15) / 32
    var entry = Entry(vnode: vnode, unique: unique)
    entry.blobCount = count
    entry.blob = try allocate(count)
    names[name] = entry
  }

  mutating func remove(_ name: [UInt8]) {
    guard let entry = names.removeValue(forKey: name) else { return }
    used[entry.blob / Self.blobsPerPage] &= ~Self.mask(entry.blob % Self.blobsPerPage, entry.blobCount)
  }

  private static func mask(_ first: Int, _ count: Int) -> UInt64 { (1 << UInt64(count) - 1) << UInt64(first) }

  /// The first page with enough free blobs side by side; a new page when there is none.
  private mutating func allocate(_ count: Int) throws(StorageError) -> Int {
    for page in 0..<Self.pagesMax {
      if page == used.count { used.append(Self.mask(0, page == 0 ? Self.headerBlobs : 1)) }
      for first in 0...Self.blobsPerPage - count where used[page] & Self.mask(first, count) == 0 {
        used[page] |= Self.mask(first, count)
        return page * Self.blobsPerPage + first
      }
    }
    throw .directoryFull
  }

  /// The directory object as clients fetch it.
  var bytes: [UInt8] {
    var object = [UInt8](repeating: 0, count: byteCount)
    func put16(_ value: Int, at offset: Int) {
      object[offset] = UInt8(value >> 8)
      object[offset + 1] = UInt8(value & 255)
    }
    for (page, bits) in used.enumerated() {
      let start = page * Self.pageSize
      put16(page == 0 ? used.count : 0, at: start)
      put16(1234, at: start + 2)
      for byte in 0..<8 { object[start + 5 + byte] = UInt8(truncatingIfNeeded: bits >> UInt64(byte * 8)) }
    }
    for page in 0..<Self.hashChains {
      let free = page < used.count ? used[page].nonzeroBitCount : 0
      object[Self.blobSize + page] = UInt8(Self.blobsPerPage - free)
    }
    var heads = [Int](repeating: 0, count: Self.hashChains)
    for (name, entry) in names.sorted(by: { $0.value.blob < $1.value.blob }) {
      let start = entry.blob * Self.blobSize
      let chain = Self.hash(name)
      object[start] = 1
      put16(heads[chain], at: start + 2)
      heads[chain] = entry.blob
      for shift in 0..<4 {
        object[start + 4 + shift] = UInt8(truncatingIfNeeded: entry.vnode >> UInt64(24 - 8 * shift))
        object[start + 8 + shift] = UInt8(truncatingIfNeeded: entry.unique >> UInt32(24 - 8 * shift))
      }
      object.replaceSubrange(start + 12..<start + 12 + name.count, with: name)
    }
    for (chain, head) in heads.enumerated() {
      put16(head, at: Self.blobSize + Self.hashChains + chain * 2)
    }
    return object
  }

  /// The chain that a name belongs to (OpenAFS src/dir/dir.c, afs_dir_DirHash): the remainder of a signed number.
  static func hash(_ name: [UInt8]) -> Int {
    let value = name.reduce(UInt32(0)) { $0 &* 173 &+ UInt32($1) }
    let chain = Int(value & 127)
    return chain != 0 && value >= 1 << 31 ? hashChains - chain : chain
  }
}
