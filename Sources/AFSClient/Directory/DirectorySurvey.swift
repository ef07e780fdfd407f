/// One walk over all chains of a directory object, which shows that it can be read, and whether it may be edited.
struct DirectorySurvey {
  private(set) var entryCount = 0
  /// The first thing found that makes edits unsafe.
  private(set) var flaw: DirectoryObject.Damage?
  /// Per page, a bit for each blob that a header or an entry takes.
  private var taken: [UInt64]
  private let bytes: [UInt8]

  /// - Parameter bytes: `pageCount` whole pages.
  init(_ bytes: [UInt8], pageCount: Int) throws(DirectoryObject.Damage) {
    self.bytes = bytes
    taken = (0..<pageCount).map { Self.mask(first: 0, count: DirectoryFormat.headerBlobs(ofPage: $0)) }
    for page in 0..<pageCount
    where bytes.word16(page * DirectoryFormat.pageSize + 2) != Int(DirectoryFormat.pageTag) {
      throw .pageTag(page: page)
    }
    for chain in 0..<DirectoryFormat.hashChains {
      var blob = bytes.word16(DirectoryFormat.chainHeads + 2 * chain)
      while blob != 0 {
        try visit(blob, in: chain)
        blob = bytes.word16(blob * DirectoryFormat.blobSize + 2)
      }
    }
    compareAllocation()
  }

  /// The pages which the object says it has.
  static func pageCount(of bytes: [UInt8]) throws(DirectoryObject.Damage) -> Int {
    guard !bytes.isEmpty, bytes.count % DirectoryFormat.pageSize == 0 else { throw .size(bytes.count) }
    var count = bytes.word16(0)
    if count == 0 {
      // Very old servers did not count: pages exist up to the first of which all blobs are free.
      let free = bytes[DirectoryFormat.allocationMap..<DirectoryFormat.allocationMap + DirectoryFormat.countedPages]
      count = free.prefix { $0 != UInt8(DirectoryFormat.blobsPerPage) }.count
    }
    guard 1...DirectoryFormat.pagesMax ~= count else { throw .pageCount(count) }
    guard count * DirectoryFormat.pageSize <= bytes.count else { throw .size(bytes.count) }
    return count
  }

  /// Checks one entry. That none may be met twice bounds the walk.
  private mutating func visit(_ blob: Int, in chain: Int) throws(DirectoryObject.Damage) {
    let (page, first) = blob.quotientAndRemainder(dividingBy: DirectoryFormat.blobsPerPage)
    guard page < taken.count, first >= DirectoryFormat.headerBlobs(ofPage: page) else { throw .outside(blob: blob) }
    let start = blob * DirectoryFormat.blobSize
    let name = bytes[start + 12..<(page + 1) * DirectoryFormat.pageSize].prefix { $0 != 0 }
    let blobs = DirectoryFormat.blobs(forName: name.count)
    // The count of blobs allows for 28 bytes in the last one: a name that runs on to the page's end has too many.
    guard !name.isEmpty, first + blobs <= DirectoryFormat.blobsPerPage else { throw .entry(blob: blob) }
    let mask = Self.mask(first: first, count: blobs)
    guard taken[page] & mask == 0 else { throw .shared(blob: blob) }
    taken[page] |= mask
    entryCount += 1
    if flaw == nil, bytes[start] != DirectoryFormat.usedFlag || DirectoryFormat.chain(of: name) != chain {
      flaw = .wrongChain(blob: blob)
    }
  }

  private mutating func compareAllocation() {
    for page in 0..<max(taken.count, DirectoryFormat.countedPages) where flaw == nil {
      let free = page < taken.count ? (~taken[page]).nonzeroBitCount : DirectoryFormat.blobsPerPage
      let isCounted = page < DirectoryFormat.countedPages
      if isCounted, Int(bytes[DirectoryFormat.allocationMap + page]) != free { flaw = .allocation(page: page) }
      if page < taken.count, blobsInUse(ofPage: page) != taken[page] { flaw = .allocation(page: page) }
    }
  }

  private func blobsInUse(ofPage page: Int) -> UInt64 {
    let offset = page * DirectoryFormat.pageSize + DirectoryFormat.blobsInUse
    return (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }

  /// The bits of `count` blobs from `first` on.
  private static func mask(first: Int, count: Int) -> UInt64 {
    (count >= 64 ? .max : 1 << UInt64(count) - 1) << UInt64(first)
  }
}
