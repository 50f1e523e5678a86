/** Matrix products on ONNX Runtime, which serves as the BLAS. Computes on the calling thread: use it from a worker thread. */
import { createGraphBuilder } from './graph-builder.ts'
import { type Computation, loadComputation } from './session.ts'

/** A dense matrix, row-major. */
export interface Matrix {
  readonly data: Float32Array
  readonly rows: number
  readonly columns: number
}

export interface Gemm {
  /** a · b */
  multiply(a: Matrix, b: Matrix): Promise<Matrix>
  /** aᵀ · b */
  multiplyTransposedA(a: Matrix, b: Matrix): Promise<Matrix>
  /** a · bᵀ */
  multiplyTransposedB(a: Matrix, b: Matrix): Promise<Matrix>
  close(): Promise<void>
}

/** Opens matrix products over `threads` cores. */
export async function openGemm(threads: number): Promise<Gemm> {
  const opened: Computation[] = []
  const open = async (transA: 0 | 1, transB: 0 | 1) => {
    const graph = createGraphBuilder('gemm')
    const a = graph.input('a', 'float32', ['ra', 'ca'])
    const b = graph.input('b', 'float32', ['rb', 'cb'])
    graph.output('product', graph.node('Gemm', [a, b], { transA, transB }), 'float32', ['r', 'c'])
    const computation = await loadComputation(graph.encode(), threads)
    opened.push(computation)
    return async (left: Matrix, right: Matrix): Promise<Matrix> => {
      const { product } = await computation.run(
        {
          a: { data: left.data, dims: [left.rows, left.columns] },
          b: { data: right.data, dims: [right.rows, right.columns] },
        },
        ['product'],
      )
      return {
        data: product!,
        rows: transA === 1 ? left.columns : left.rows,
        columns: transB === 1 ? right.rows : right.columns,
      }
    }
  }
  const gemm = {
    multiply: await open(0, 0),
    multiplyTransposedA: await open(1, 0),
    multiplyTransposedB: await open(0, 1),
    async close() {
      for (const computation of opened) await computation.close()
    },
  }
  return gemm
}
