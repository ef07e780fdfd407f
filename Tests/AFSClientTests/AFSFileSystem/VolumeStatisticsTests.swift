import Testing

@testable import AFSClient

@Suite struct VolumeStatisticsTests {
  @Test("A quota bounds what df shows, and so does a fuller partition") func quota() {
    let roomy = AFSFileSystem.statistics(
      VolumeFigures(quota: 1000, used: 300, partitionSize: 1_000_000, partitionAvailable: 500_000))
    #expect(roomy.blocks == 1000 && roomy.blocksAvailable == 700)
    let tight = AFSFileSystem.statistics(
      VolumeFigures(quota: 1000, used: 300, partitionSize: 1_000_000, partitionAvailable: 50))
    #expect(tight.blocks == 1000 && tight.blocksAvailable == 50)
    let over = AFSFileSystem.statistics(
      VolumeFigures(quota: 1000, used: 1300, partitionSize: 1_000_000, partitionAvailable: 50))
    #expect(over.blocksAvailable == 0)
  }

  @Test("Without a quota the partition counts") func noQuota() {
    let figures = AFSFileSystem.statistics(
      VolumeFigures(quota: 0, used: 300, partitionSize: 1_000_000, partitionAvailable: 500_000))
    #expect(figures.blocks == 1_000_000 && figures.blocksAvailable == 500_000)
  }
}
