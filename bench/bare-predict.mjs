// The rival of a cold `verger predict`: decode, load the same model, run it once.
import ort from 'onnxruntime-node'
import sharp from 'sharp'

const [photo, model] = process.argv.slice(2)
const { data, info } = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true })
const session = await ort.InferenceSession.create(model)
const image = new ort.Tensor('uint8', data, [1, info.height, info.width, 3])
const { logits } = await session.run({ image })
console.log(logits.data.indexOf(Math.max(...logits.data)))
