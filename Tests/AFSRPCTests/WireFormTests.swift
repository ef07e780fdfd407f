import AFSBase
import AFSRPC
import AFSTypes
import RxCore
import Testing
import XDR

/// Sizes and bytes which follow from the protocol, computed by hand.
@Suite struct WireFormTests {
  struct Size: Sendable, CustomTestStringConvertible {
    var name: String
    var bytes: Int
    var type: any XDRCodable.Type
    var testDescription: String { name }
  }

  static let sizes = [
    Size(name: "AFSFid", bytes: 3 * 4, type: AFSFid.self),
    Size(name: "AFSCallBack", bytes: 3 * 4, type: AFSCallBack.self),
    Size(name: "AFSVolSync", bytes: 6 * 4, type: AFSVolSync.self),
    Size(name: "AFSFetchStatus", bytes: 21 * 4, type: AFSFetchStatus.self),
    Size(name: "AFSStoreStatus", bytes: 6 * 4, type: AFSStoreStatus.self),
    Size(name: "AFSFetchVolumeStatus", bytes: 12 * 4, type: AFSFetchVolumeStatus.self),
    Size(name: "AFSStoreVolumeStatus", bytes: 3 * 4, type: AFSStoreVolumeStatus.self),
    Size(name: "InterfaceAddr", bytes: 4 + 11 * 4 + 3 * 32 * 4, type: InterfaceAddr.self),
    Size(name: "AFSDBLock", bytes: (16 + 8) * 4, type: AFSDBLock.self),
    Size(name: "AFSDBCacheEntry", bytes: (7 + 8 + 7) * 4, type: AFSDBCacheEntry.self),
    Size(name: "AFSDBCacheEntry64", bytes: (8 + 8 + 7) * 4, type: AFSDBCacheEntry64.self),
    Size(name: "VLDBEntry", bytes: (65 + 2 + 3 * 8 + 3 + 2) * 4, type: VLDBEntry.self),
    Size(name: "NVLDBEntry", bytes: (65 + 1 + 3 * 13 + 3 + 2 + 9) * 4, type: NVLDBEntry.self),
    Size(name: "UVLDBEntry", bytes: (65 + 1 + 13 * 11 + 3 * 13 + 3 + 2 + 9) * 4, type: UVLDBEntry.self),
    Size(name: "ListAddrByAttributes", bytes: (4 + 11) * 4, type: ListAddrByAttributes.self),
    // The request of FetchData64 in a captured packet had 32 bytes, opcode included.
    Size(name: "FetchData64's arguments", bytes: 28, type: RXAFS.FetchData64.Arguments.self),
    // The results follow the data with 84 + 12 + 24 bytes.
    Size(name: "FetchData64's results", bytes: 120, type: RXAFS.FetchData64.Results.self),
    Size(name: "StoreData64's arguments", bytes: 12 + 24 + 24, type: RXAFS.StoreData64.Arguments.self),
    Size(name: "StoreData's arguments", bytes: 12 + 24 + 12, type: RXAFS.StoreData.Arguments.self),
  ]

  @Test("Structures have their size", arguments: sizes)
  func size(item: Size) {
    #expect(item.type.xdrSizeMin == item.bytes)
    #expect(item.type.xdrSizeMax == item.bytes)
  }

  @Test("A UUID takes eleven words, its bytes with C's sign")
  func uuid() throws {
    let uuid = try #require(AFSUUID("00112233-4455-6677-8899-aabbccddeeff"))
    let bytes: [UInt8] = [
      0x00, 0x11, 0x22, 0x33, 0, 0, 0x44, 0x55, 0, 0, 0x66, 0x77, 0xFF, 0xFF, 0xFF, 0x88, 0xFF, 0xFF, 0xFF, 0x99,
      0xFF, 0xFF, 0xFF, 0xAA, 0xFF, 0xFF, 0xFF, 0xBB, 0xFF, 0xFF, 0xFF, 0xCC, 0xFF, 0xFF, 0xFF, 0xDD, 0xFF, 0xFF, 0xFF,
      0xEE, 0xFF, 0xFF, 0xFF, 0xFF,
    ]
    #expect(try uuid.encoded() == bytes)
    #expect(try AFSUUID(decoding: bytes) == uuid)
    // Peers with unsigned characters send zeros above them.
    #expect(try AFSUUID(decoding: bytes.enumerated().map { $0 >= 12 && $0 % 4 != 3 ? 0 : $1 }) == uuid)
  }

  @Test("A location entry's name is in words, its servers in fixed arrays")
  func locationEntry() throws {
    let uuid = AFSUUID(high: 1, low: 2)
    let entry = UVLDBEntry(
      name: Array("root.cell".utf8), serverCount: 1, serverNumber: [uuid], serverUnique: [9], serverPartition: [0],
      serverFlags: [UInt32(VLConstants.serverReadWrite | VLConstants.serverUUID)], volumeID: [536_870_915, 0, 0],
      flags: UInt32(VLConstants.entryReadWriteExists))
    let bytes = try entry.encoded()
    #expect(bytes.count == UVLDBEntry.xdrSizeMax)
    #expect(bytes[..<8] == [0, 0, 0, 0x72, 0, 0, 0, 0x6F])
    #expect(bytes[260..<264] == [0, 0, 0, 1])
    let decoded = try UVLDBEntry(decoding: bytes)
    #expect(decoded.name == entry.name)
    #expect(decoded.serverNumber == [uuid] + [AFSUUID](repeating: AFSUUID(high: 0, low: 0), count: 12))
    #expect(decoded.serverFlags.first == 0x14)
    #expect(decoded.volumeID == [536_870_915, 0, 0])
  }

  @Test("A break of callbacks may come without callbacks")
  func callBack() throws {
    let arguments = try RXAFSCB.CallBack.Arguments(decoding: [
      0, 0, 0, 1, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ])
    #expect(arguments.fids.map(\.fid) == [FID(volume: VolumeID(0x2000_0000), vnode: 0, unique: 0)])
    #expect(arguments.callBacks.isEmpty)
  }

  @Test("Service numbers and opcodes that other implementations use")
  func numbers() {
    #expect([VL.serviceID, RXAFS.serviceID, RXAFSCB.serviceID, PR.serviceID].map(\.rawValue) == [52, 1, 1, 73])
    #expect(VL.GetEntryByNameU.opcode == 527)
    #expect(VL.GetAddrsU.opcode == 533)
    #expect(RXAFS.InlineBulkStatus.opcode == 65536)
    #expect(RXAFS.FetchData64.opcode == 65537)
    #expect(RXAFS.StoreData64.opcode == 65538)
    #expect(RXAFSCB.CallBack.opcode == 204)
    #expect(RXAFSCB.TellMeAboutYourself.opcode == 65538)
    #expect(PR.GetCPS.opcode == 508)
  }
}
