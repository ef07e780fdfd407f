/// Sizes and rules of the AFS-3 directory object (OpenAFS src/dir/dir.h and dir.c).
///
/// The object is an array of 32-byte blobs in pages of 64. Page 0 begins with 13 blobs of header: a page header, a byte
/// of free blobs for each of the first 128 pages, and the heads of 128 hash chains. Other pages begin with one blob of
/// page header. An entry is 12 bytes (flag, unused, next entry of its chain, vnode, unique) and its NUL-terminated name,
/// in as many consecutive blobs of one page as that takes.
enum DirectoryFormat {
  static let blobSize = 32
  static let blobsPerPage = 64
  static let pageSize = 2048
  /// BIGMAXPAGES; the number of pages that the blob numbers of 16 bits can reach.
  static let pagesMax = 1023
  /// MAXPAGES: pages whose free blobs the header counts.
  static let countedPages = 128
  static let headerBlobs = 13
  static let hashChains = 128
  static let pageTag: UInt16 = 1234
  static let usedFlag: UInt8 = 1
  /// Bytes without the NUL. The interface lets one more through than Unix knows (OpenAFS src/fsint/afsint.xg,
  /// AFSNAMEMAX), so that other clients may have made such names.
  static let nameLengthMax = 256
  /// Where in a page's header the initial count of free blobs stands, which nobody maintains, and where the bitmap of
  /// blobs in use begins: eight bytes, blob 0 is bit 0 of the first.
  static let initialFreeCount = 4
  static let blobsInUse = 5
  /// Where the allocation map and the chain heads begin in page 0.
  static let allocationMap = 32
  static let chainHeads = 32 + 128

  /// Blobs that an entry with a name of `length` bytes takes.
  static func blobs(forName length: Int) -> Int { 1 + (length + 16) >> 5 }

  /// Blobs at the start of `page` which no entry can use.
  static func headerBlobs(ofPage page: Int) -> Int { page == 0 ? headerBlobs : 1 }

  /// The chain of a name (afs_dir_DirHash). Bytes are unsigned; a sum whose top bit is set counts the chains from the
  /// end, because the first implementation took the remainder of a signed number.
  static func chain(of name: some Sequence<UInt8>) -> Int {
    var hash: UInt32 = 0
    for byte in name { hash = hash &* 173 &+ UInt32(byte) }
    let chain = Int(hash & 127)
    return chain != 0 && hash >= 1 << 31 ? hashChains - chain : chain
  }
}
