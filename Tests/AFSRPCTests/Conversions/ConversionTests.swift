import AFSRPC
import AFSTypes
import Testing

@Suite struct ConversionTests {
  @Test("A FID becomes its wire form and comes back")
  func fid() {
    let fid = FID(volume: VolumeID(0xFFFF_FFFF), vnode: 3, unique: 0x8000_0001)
    #expect(AFSFid(fid) == AFSFid(volume: 0xFFFF_FFFF, vnode: 3, unique: 0x8000_0001))
    #expect(FID(AFSFid(fid)) == fid)
  }

  @Test("A FID beyond 32 bits becomes one which names nothing")
  func largeFid() {
    #expect(AFSFid(FID(volume: VolumeID(1 << 32), vnode: 2, unique: 3)) == AFSFid())
    #expect(AFSFid(FID(volume: VolumeID(1), vnode: 1 << 32, unique: 3)) == AFSFid())
  }

  @Test("Length and data version use both their words")
  func halves() {
    var status = AFSFetchStatus(length: 5, dataVersion: 0xFFFF_FFFF, dataVersionHigh: 2, lengthHigh: 1)
    #expect(status.length64 == 0x1_0000_0005)
    #expect(status.version == DataVersion(0x2_FFFF_FFFF))
    status.length64 = 0x7_0000_0008
    status.version = DataVersion(0x9_0000_000A)
    #expect([status.lengthHigh, status.length, status.dataVersionHigh, status.dataVersion] == [7, 8, 9, 10])
  }

  @Test("A status says its type, its error and its parent")
  func values() {
    let status = AFSFetchStatus(fileType: 3, parentVnode: 5, parentUnique: 6, errorCode: 103)
    #expect(status.type == .symbolicLink)
    #expect(status.error == .vNoVol)
    #expect(AFSFetchStatus().error == nil)
    let fid = FID(volume: VolumeID(9), vnode: 2, unique: 3)
    #expect(status.parent(of: fid) == FID(volume: VolumeID(9), vnode: 5, unique: 6))
  }
}
